//! What people bring: compressed, sparse and binary files, and the names of folders, through the program. Each is read as
//! the same numbers, or refused in one line that helps.

mod desk;

use desk::*;
use std::fs;
use std::io::Write;
use std::process::{Command, Output};

#[test]
fn compressed_and_foreign_files() {
    let (desk, truth) = desk("compressed");
    let pack = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let labels: String = (0..N).map(|i| format!("{}\n", i32::from(sign(i)))).collect();
    desk.file("a.csv.gz", pack(plain(",").as_bytes())).file("b.csv", pack(plain("\t").as_bytes()));
    desk.file("X.npy.gz", pack(&fs::read(desk.0.join("X.npy")).unwrap())).file("y.csv.gz", pack(labels.as_bytes()));
    assert_eq!(desk.digest(&["data.source=a.csv.gz", "data.labels=-1"]), truth);
    assert_eq!(desk.digest(&["data.source=b.csv", "data.labels=6"]), truth);
    assert_eq!(desk.digest(&["data.source=X.npy.gz", "data.labels=y.csv.gz"]), truth);
    let packed = pack(plain(",").as_bytes());
    desk.file("cut.csv", &packed[..packed.len() / 2]);
    desk.refused(&["data.source=cut.csv", "data.labels=-1"], &["cut.csv", "cannot read"]);
    let wide = |unit: fn(u16) -> [u8; 2]| plain(",").encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    desk.file("le.csv", [&b"\xff\xfe"[..], &wide(u16::to_le_bytes)].concat());
    desk.file("be.csv", [&b"\xfe\xff"[..], &wide(u16::to_be_bytes)].concat());
    desk.file("bare.csv", wide(u16::to_le_bytes)).file("cr.csv", plain(",").replace('\n', "\r"));
    desk.file("book.csv", b"PK\x03\x04...").file("x.csv", fs::read(desk.0.join("X.npy")).unwrap());
    for (name, word) in [
        ("le.csv", "UTF-16"),
        ("be.csv", "UTF-16"),
        ("bare.csv", "UTF-16"),
        ("cr.csv", "carriage returns"),
        ("book.csv", "zip"),
        ("x.csv", "data.format"),
    ] {
        desk.refused(&[&format!("data.source={name}"), "data.labels=-1"], &[name, word]);
    }
    assert_eq!(desk.digest(&["data.source=x.csv", "data.labels=y.npy", "data.format=npy"]), truth);
}

#[test]
fn sparse_files_of_both_bases() {
    let (desk, truth) = desk("sparse");
    let sparse = |base: usize, columns: usize| {
        let row = |i: usize| {
            let entries: Vec<String> = (0..columns).map(|k| format!("{}:{:?}", k + base, value(i, k))).collect();
            format!("{} {} # sample {i}\n", i32::from(sign(i)), entries.join(" "))
        };
        (0..N).map(row).collect::<String>()
    };
    desk.file("one.svm", sparse(1, D)).file("zero.libsvm", sparse(0, D)).file("a.txt", sparse(0, D));
    desk.file("narrow.svm", sparse(1, D - 1));
    for source in ["one.svm", "zero.libsvm", "a.txt"] {
        assert_eq!(desk.digest(&[&format!("data.source={source}")]), truth, "{source}");
    }
    assert_eq!(desk.digest(&["data.source=zero.libsvm", "data.index_base=0"]), truth);
    desk.refused(&["data.source=zero.libsvm", "data.index_base=1"], &["line 1", "index 0", "data.index_base"]);
    assert_eq!(desk.limit(&["data.source=one.svm", "data.index_base=0"])["status"], "solved");
    // two files agree on their width
    let five = desk.digest(&["data.source=narrow.svm"]);
    assert_ne!(desk.digest(&["data.source=narrow.svm", "data.features=6"]), five);
    assert_eq!(desk.digest(&["data.source=narrow.svm", "data.features=6", "data.columns=0:5"]), five);
    assert_eq!(desk.digest(&["data.source=one.svm", "data.columns=0:5"]), five);
    desk.refused(&["data.source=one.svm", "data.features=5"], &["index 6", "data.features = 5"]);
    desk.file("multi.svm", "1,2 1:1\n0 2:1\n").refused(&["data.source=multi.svm"], &["line 1", "several labels"]);
    desk.file("many.svm", "1 1:1\n1,3 2:1\n").refused(&["data.source=many.svm"], &["line 2", "several labels"]);
    desk.file("wide.svm", "1 100000000000000:1\n0 1:1\n").refused(&["data.source=wide.svm"], &["GiB"]);
    desk.file("mix.svm", "1 1:1\nb 2:1\n").refused(&["data.source=mix.svm"], &["one is a number"]);
}

#[test]
fn headers_as_numpy_and_others_write_them() {
    let (desk, truth) = desk("npy");
    let pad = |header: &str, to: usize| format!("{header:to$}\n");
    let plain = "{'descr': '<f8', 'fortran_order': False, 'shape': (8, 6), }";
    for (name, header) in [
        ("python2", pad("{'descr': '<f8', 'fortran_order': False, 'shape': (8L, 6L), }", 117)),
        ("double", pad("{\"descr\": \"<f8\", \"fortran_order\": False, \"shape\": (8, 6)}", 53)),
        ("order", pad("{'shape': (8, 6), 'fortran_order': False, 'descr': 'float64'}", 100)),
        ("none", plain.to_string()),
        ("long", pad(plain, 60_000)),
        ("spaces", "{ 'descr':'d' ,\n'fortran_order':False,'shape':(8,6,) }".to_string()),
    ] {
        desk.file("h.npy", literal(&header, &samples()));
        assert_eq!(desk.digest(&["data.source=h.npy", "data.labels=y.npy"]), truth, "{name}");
    }
    let mut second = literal(plain, &samples());
    second.splice(6..8, [2, 0]);
    second.splice(10..10, [0, 0]);
    desk.file("h.npy", second);
    assert_eq!(desk.digest(&["data.source=h.npy", "data.labels=y.npy"]), truth);
    for (header, word) in [
        (plain.replace("(8, 6)", "(8Q, 6)"), "header"),
        (plain.replace("<f8", "<c16"), "<c16"),
        (plain.replace("'<f8'", "[('a', '<f8')]"), "structured"),
        (plain.replace("(8, 6)", "(80, 6)"), "truncated"),
        (plain.replace("(8, 6)", "(48,)"), "2 dimensions"),
        (plain.replace("False", "false"), "True or False"),
    ] {
        desk.file("h.npy", literal(&header, &samples()));
        desk.refused(&["data.source=h.npy", "data.labels=y.npy"], &["h.npy", word]);
    }
    for length in [0, 5, 9, 40] {
        desk.file("h.npy", &literal(plain, &samples())[..length]);
        desk.refused(&["data.source=h.npy", "data.labels=y.npy"], &["h.npy", "header"]);
    }
}

#[test]
fn the_configuration_of_a_run_on_files() {
    let (desk, truth) = desk("resolved");
    let out = desk.call("run", &["data.source=X.npy", "data.labels=y.npy", "descent.steps=100"], &["-o", "r"]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    let text = fs::read_to_string(desk.0.join("r/config.toml")).unwrap();
    for key in ["n", "d", "signal", "label_noise", "dof"] {
        assert!(!text.contains(&format!("\n{key} = ")), "{text}");
    }
    let again = desk.call("run", &[], &["r/config.toml", "-o", "s", "--json"]);
    let again: serde_json::Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(again["data_digest"], truth.as_str());
    assert!(again["provenance"]["config"]["data"]["n"].is_null());
    // beside the data, called from elsewhere
    fs::create_dir(desk.0.join("in")).unwrap();
    desk.file("in/c.toml", "[data]\nsource = \"../X.npy\"\nlabels = \"../y.npy\"\n");
    let elsewhere = Desk(std::env::temp_dir());
    let file = desk.0.join("in/c.toml");
    let out = elsewhere.call("check", &[], &[file.to_str().unwrap(), "--json"]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    for (setting, key) in
        [("data.label_noise=0.1", "data.label_noise"), ("data.n=8", "data.n"), ("data.features=6", "data.features")]
    {
        desk.refused(&["data.source=X.npy", "data.labels=y.npy", setting], &[key, "no effect", "data.source"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn folders_whose_names_are_no_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let (desk, truth) = desk("names");
    let odd = desk.0.join(std::ffi::OsStr::from_bytes(b"donn\xe9es"));
    fs::create_dir(&odd).unwrap();
    for name in ["X.npy", "y.npy"] {
        fs::copy(desk.0.join(name), odd.join(name)).unwrap();
    }
    let digest = |out: Output| {
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
        let result: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
        result["data_digest"].as_str().expect("a digest").to_string()
    };
    // as working directory, in a setting, and again from what the run recorded
    let inside = Desk(odd.clone());
    assert_eq!(
        digest(inside.call("limit", &["data.source=X.npy", "data.labels=y.npy"], &["--json", "-o", "o"])),
        truth
    );
    let mut program = Command::new(env!("CARGO_BIN_EXE_farfield"));
    let mut source = std::ffi::OsString::from("data.source=");
    source.push(odd.join("X.npy"));
    program
        .current_dir(&desk.0)
        .args(["limit", "--json", "-o", "p", "-s"])
        .arg(source)
        .args(["-s", "data.labels=y.npy"]);
    assert_eq!(digest(program.output().unwrap()), truth);
    assert_eq!(digest(inside.call("limit", &[], &["o/config.toml", "--json", "-o", "q"])), truth);
}

#[test]
fn converted_files_are_the_same_samples() {
    let (desk, truth) = desk("converted");
    desk.file("a.csv", plain(","));
    let convert = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_farfield")).current_dir(&desk.0).arg("convert").args(args).output().unwrap()
    };
    let said = |out: &Output| String::from_utf8_lossy(&[&out.stdout[..], &out.stderr].concat()).into_owned();
    let out = convert(&["a.csv", "A.npy", "-s", "data.labels=-1"]);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    assert!(said(&out).contains("-s data.source=A.npy -s data.labels=A.labels.npy"), "{}", said(&out));
    assert_eq!(desk.digest(&["data.source=A.npy", "data.labels=A.labels.npy"]), truth);
    // rows, columns and standardization are done with
    let choice = ["data.rows=0:6", "data.columns=1:", "data.standardize=columns"];
    let settings: Vec<&str> = choice.iter().flat_map(|key| ["-s", key]).collect();
    let out = convert(&[&["a.csv", "B.npy", "-s", "data.labels=-1"], &settings[..]].concat());
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    let chosen = [&["data.source=a.csv", "data.labels=-1"], &choice[..]].concat();
    assert_eq!(desk.digest(&["data.source=B.npy", "data.labels=B.labels.npy"]), desk.digest(&chosen));
    // what is there stays, and what cannot be read leaves nothing
    let before = fs::read(desk.0.join("A.npy")).unwrap();
    for (args, word) in [
        (&["a.csv", "A.npy", "-s", "data.labels=-1", "-s", "data.rows=0:6"][..], "--overwrite"),
        (&["a.csv", "A.csv", "-s", "data.labels=-1"], ".npy"),
        (&["none.csv", "C.npy", "-s", "data.labels=-1"], "none.csv"),
        (&["a.csv", "C.npy"], "data.labels"),
    ] {
        let out = convert(args);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", said(&out));
        assert!(said(&out).contains(word) && said(&out).trim().lines().count() == 1, "{args:?}: {}", said(&out));
    }
    assert!(fs::read(desk.0.join("A.npy")).unwrap() == before && !desk.0.join("C.npy").exists());
    let out = convert(&["a.csv", "A.npy", "--overwrite", "-s", "data.labels=-1", "-s", "data.rows=0:6"]);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    let left: Vec<_> = fs::read_dir(&desk.0).unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".part")), "{left:?}");
}
