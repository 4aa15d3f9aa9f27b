//! What people bring: files as spreadsheets, pandas, R, NumPy and scikit-learn write them, through the program. Each is
//! read as the same numbers, or refused in one line that helps.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A fresh folder of the test run, in which the program works.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bring-{name}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("the test folder can be made");
        Self(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        fs::write(self.0.join(name), content).expect("a test file can be written");
        self
    }

    fn call(&self, command: &str, settings: &[&str], more: &[&str]) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_farfield"));
        program.current_dir(&self.0).arg(command).args(more);
        for setting in settings {
            program.args(["-s", setting]);
        }
        program.output().expect("the program starts")
    }

    /// What `limit` finds.
    fn limit(&self, settings: &[&str]) -> serde_json::Value {
        let out = self.call("limit", settings, &["--json", "--overwrite", "-o", "out"]);
        assert_eq!(out.status.code(), Some(0), "{settings:?}: {}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).expect("JSON")
    }

    /// The digest of the samples and labels as they were read.
    fn digest(&self, settings: &[&str]) -> String {
        self.limit(settings)["data_digest"].as_str().expect("a digest").to_string()
    }

    /// The notes on stderr.
    fn notes(&self, settings: &[&str]) -> String {
        let out = self.call("check", settings, &[]);
        assert_eq!(out.status.code(), Some(0), "{settings:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stderr).expect("UTF-8")
    }

    /// A refusal: exit code 2, one line that holds all of `words`.
    fn refused(&self, settings: &[&str], words: &[&str]) {
        let out = self.call("check", settings, &[]);
        let error = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{settings:?}: {error}");
        assert_eq!(error.trim().lines().count(), 1, "{settings:?}: {error}");
        words.iter().for_each(|w| assert!(error.contains(w), "{settings:?}: {w} is not in {error}"));
    }
}

const N: usize = 8;
const D: usize = 6;

fn value(i: usize, k: usize) -> f64 {
    ((i * 37 + k * 11 + i * i * k) % 64) as f64 / 8.0 - 4.0
}

fn sign(i: usize) -> bool {
    !i.is_multiple_of(3)
}

/// A `.npy` file of version 1.0.
fn array(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    literal(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}"), bytes)
}

/// With a header as given.
fn literal(header: &str, bytes: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(bytes);
    file
}

fn samples() -> Vec<u8> {
    (0..N * D).flat_map(|at| value(at / D, at % D).to_le_bytes()).collect()
}

/// The plain form, which the others have to agree with.
fn desk(name: &str) -> (Desk, String) {
    let desk = Desk::new(name);
    let y: Vec<u8> = (0..N).flat_map(|i| if sign(i) { 1f64 } else { -1.0 }.to_le_bytes()).collect();
    desk.file("X.npy", array("<f8", "8, 6", &samples())).file("y.npy", array("<f8", "8,", &y));
    let digest = desk.digest(&["data.source=X.npy", "data.labels=y.npy"]);
    (desk, digest)
}

/// Rows of text: `front` before, `label` behind each.
fn rows(separator: &str, front: impl Fn(usize) -> String, label: impl Fn(usize) -> String) -> String {
    let row = |i: usize| {
        let numbers = (0..D).map(|k| format!("{:?}", value(i, k))).collect::<Vec<_>>().join(separator);
        format!("{}{numbers}{}\n", front(i), label(i))
    };
    (0..N).map(row).collect()
}

fn plain(separator: &str) -> String {
    rows(separator, |_| String::new(), |i| format!("{separator}{}", i32::from(sign(i))))
}

#[test]
fn labels_of_every_type() {
    let (desk, truth) = desk("label-types");
    let of = |word: &dyn Fn(bool) -> Vec<u8>| (0..N).flat_map(|i| word(sign(i))).collect::<Vec<u8>>();
    let text = |s: &str| s.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<u8>>();
    for (descr, bytes, plus) in [
        ("|b1", of(&|s| vec![u8::from(s)]), "True"),
        ("|u1", of(&|s| vec![if s { 255 } else { 0 }]), "255"),
        ("|i1", of(&|s| vec![if s { 1 } else { 255 }]), "1"),
        ("<i8", of(&|s| if s { 2i64 } else { 1 }.to_le_bytes().to_vec()), "2"),
        (">i4", of(&|s| if s { -3i32 } else { -7 }.to_be_bytes().to_vec()), "-3"),
        (">u2", of(&|s| if s { 900u16 } else { 4 }.to_be_bytes().to_vec()), "900"),
        ("<f4", of(&|s| if s { 0.5f32 } else { 0.25 }.to_le_bytes().to_vec()), "0.5"),
        ("<u8", of(&|s| if s { u64::MAX } else { u64::MAX - 1 }.to_le_bytes().to_vec()), "18446744073709551615"),
        ("<U3", of(&|s| if s { text("yes") } else { text("no\0") }), "yes"),
        (">U1", of(&|s| u32::from(if s { 'ß' } else { 'a' }).to_be_bytes().to_vec()), "ß"),
        ("|S4", of(&|s| if s { b"sick".to_vec() } else { b"ok\0\0".to_vec() }), "sick"),
        ("|S2", of(&|s| if s { b"10".to_vec() } else { b"9\0".to_vec() }), "10"),
    ] {
        desk.file("l.npy", array(descr, "8,", &bytes));
        let found = desk.limit(&["data.source=X.npy", "data.labels=l.npy"]);
        assert_eq!(found["data_digest"], truth.as_str(), "{descr}");
        assert_eq!(found["classes"]["positive"]["name"], plus, "{descr}");
        assert_eq!(found["classes"]["positive"]["samples"].as_u64(), Some(5), "{descr}");
    }
    desk.file("l.npy", array("|O", "8,", &[0; 64]));
    desk.refused(&["data.source=X.npy", "data.labels=l.npy"], &["l.npy", "astype(str)"]);
    desk.file("l.npy", array("|S1", "8,", b"1b1b1b1b"));
    desk.refused(&["data.source=X.npy", "data.labels=l.npy"], &["one is a number"]);
    desk.file("l.npy", array("|S1", "8,", b"abcabcab"));
    desk.refused(&["data.source=X.npy", "data.labels=l.npy"], &["entry 2", "\"c\"", "two classes"]);
}

#[test]
fn labels_in_text() {
    let (desk, truth) = desk("label-text");
    let lines = |minus: &str, plus: &str| {
        (0..N).map(|i| format!("{}\n", if sign(i) { plus } else { minus })).collect::<String>()
    };
    let numbered: String = (0..N).map(|i| format!("{i},{}\n", i32::from(sign(i)))).collect();
    let shuffled: String = (0..N).map(|i| format!("{},{}\n", (i * 3 + 40) % 97, i32::from(sign(i)))).collect();
    for (name, content) in [
        ("a.csv", lines("normal", "tumor")),
        ("b.txt", format!("kind\n{}", lines("normal", "tumor"))),
        ("c.csv", format!("\u{feff}\"class, by hand\"\r\n{}", lines("\"0\"", "\"1\"").replace('\n', "\r\n"))),
        ("d.csv", format!("0\n{}", lines("-1", "1"))), // the header that pandas gives a column without a name
        ("e.csv", format!("# by hand\n\n{}", lines("-1.0", "+1"))),
        ("f.csv", format!(",label\n{numbered}")),
        ("g.csv", format!(",label\n{shuffled}")),
        ("h.csv", numbered),
        ("i.csv", lines("benign tumor", "malignant tumor")),
    ] {
        let file = format!("data.labels={name}");
        assert_eq!(desk.file(name, content).digest(&["data.source=X.npy", &file]), truth, "{name}");
    }
    desk.file("l", lines("1", "2")).file("one.csv", format!("1\n{}", lines("0", "1")));
    assert_eq!(desk.digest(&["data.source=X.npy", "data.labels=l"]), truth);
    assert_ne!(desk.digest(&["data.source=X.npy", "data.labels=l", "data.positive_class=1"]), truth);
    // nine labels, the first of a class: a header, or one too many?
    desk.refused(&["data.source=X.npy", "data.labels=one.csv"], &["9 labels for 8 samples", "data.header = true"]);
    assert_eq!(desk.digest(&["data.source=X.npy", "data.labels=one.csv", "data.header=true"]), truth);
    desk.refused(
        &["data.source=X.npy", "data.labels=l", "data.positive_class=3"],
        &["positive_class", "\"1\" and \"2\""],
    );
}

#[test]
fn which_class_is_positive_is_in_every_answer() {
    let (desk, truth) = desk("classes");
    let kind = |i: usize| if sign(i) { ",tumor" } else { ",normal" }.to_string();
    desk.file("t.csv", format!("a,b,c,d,e,f,kind\n{}", rows(",", |_| String::new(), kind)));
    let settings = ["data.source=t.csv", "data.labels=kind"];
    for (command, more) in [("check", &[][..]), ("limit", &["-o", "o"]), ("run", &["-o", "r"])] {
        let out = desk.call(command, &settings, more);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let expected = "+1 is \"tumor\" (5 samples), -1 is \"normal\" (3 samples); labels from column 7 (\"kind\") of ";
        assert!(text.contains(expected), "{command}: {text}");
    }
    let result: serde_json::Value = serde_json::from_slice(&fs::read(desk.0.join("r/result.json")).unwrap()).unwrap();
    assert_eq!(result["classes"]["negative"]["name"], "normal");
    assert_eq!(result["classes"]["negative"]["samples"].as_u64(), Some(3));
    assert_eq!(result["data_digest"], truth.as_str());
    let turned = [&settings[..], &["data.positive_class=normal"]].concat();
    assert_eq!(desk.limit(&turned)["classes"]["positive"]["name"], "normal");
    // chosen rows are counted, not those of the file
    let some = [&settings[..], &["data.rows=0:3"]].concat();
    assert_eq!(desk.limit(&some)["classes"]["positive"]["samples"].as_u64(), Some(2));
}

#[test]
fn byte_order_marks_are_no_part_of_anything() {
    let (desk, truth) = desk("marks");
    let sparse = |i: usize| {
        let entries: Vec<String> = (0..D).map(|k| format!("{}:{:?}", k + 1, value(i, k))).collect();
        format!("{} {}\n", if sign(i) { "+1" } else { "-1" }, entries.join(" "))
    };
    let sparse: String = (0..N).map(sparse).collect();
    let bom = "\u{feff}";
    desk.file("a.svm", format!("{bom}{sparse}")).file("b.csv", format!("{bom}{}", plain(",")));
    desk.file(
        "c.csv",
        format!("{bom}\"y\",a,b,c,d,e,f\n{}", rows(",", |i| format!("{},", i32::from(sign(i))), |_| String::new())),
    );
    let words = |s: bool| format!("{}{}", if s { bom } else { "" }, if s { "b" } else { "a" });
    let marked: Vec<u8> = (0..N)
        .flat_map(|i| {
            format!("{:\0<2}", words(sign(i))).chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<_>>()
        })
        .collect();
    desk.file("l.npy", array("<U2", "8,", &marked)).file("z", format!("{bom}{sparse}"));
    for settings in [
        &["data.source=a.svm"][..],
        &["data.source=z"],
        &["data.source=b.csv", "data.labels=-1"],
        &["data.source=c.csv", "data.labels=y"],
        &["data.source=X.npy", "data.labels=l.npy"],
    ] {
        assert_eq!(desk.digest(settings), truth, "{settings:?}");
    }
}

#[test]
fn separators_and_endings() {
    let (desk, truth) = desk("separators");
    let blanks = |i: usize| if i.is_multiple_of(2) { "  ".to_string() } else { String::new() };
    let aligned = rows("   ", blanks, |i| format!(" \t {}  ", i32::from(sign(i))));
    for (name, content) in [
        ("a.csv", plain(",")),
        ("b.csv", plain(";")),
        ("c.tsv", plain("\t")),
        ("d.txt", plain(" ")),
        ("e.data", aligned),
        ("f", plain(", ")),
        ("g.dat", plain(";").replace('\n', "\r\n")),
        ("h.csv", plain(",").trim_end().to_string()),
    ] {
        let source = format!("data.source={name}");
        assert_eq!(desk.file(name, content).digest(&[&source, "data.labels=-1"]), truth, "{name}");
    }
    desk.file("comma.csv", "1,5;2,5;1\n3,5;4,5;0\n");
    desk.refused(&["data.source=comma.csv", "data.labels=-1"], &["line 2: column 1", "semicolons", "point"]);
    desk.file("holes.tsv", "1\t2\t1\n3\t\t0\n");
    desk.refused(&["data.source=holes.tsv", "data.labels=-1"], &["line 2: column 2", "tabs separate"]);
    desk.file("short.txt", "1 2 1\n3 0\n");
    desk.refused(&["data.source=short.txt", "data.labels=-1"], &["line 2: 2 fields; expected 3"]);
}

#[test]
fn quotes_by_rfc_4180() {
    let (desk, truth) = desk("quotes");
    let quoted = plain(",").lines().map(|l| format!("\"{}\"\n", l.replace(',', "\",\""))).collect::<String>();
    desk.file("a.csv", format!("\"a \"\"b\"\"\",\"c,d\",\"two\nlines\",e,f,g,\"y\"\n{quoted}"));
    assert_eq!(desk.digest(&["data.source=a.csv", "data.labels=y"]), truth);
    for (content, words) in [
        ("\"1\"23,2,1\n4,5,0\n", ["line 1: column 1", "closing quote"]),
        ("1,2,1\n4,\"5\"x,0\n", ["line 2: column 2", "closing quote"]),
        ("1,2,1\n4,5\"6,0\n", ["line 2: column 2", "a quote inside"]),
        ("1,2,1\n\n4,\"5,0\n6,7,1\n", ["line 3: column 2", "not closed"]),
        ("a,\"b,y\n1,2,1\n", ["line 1: column 2", "not closed"]),
        ("1,2,\"a\"\n4,5,\"b\" c\n", ["line 2: column 3", "closing quote"]),
    ] {
        desk.file("q.csv", content).refused(&["data.source=q.csv", "data.labels=-1"], &words);
    }
}

#[test]
fn headers_and_names() {
    let (desk, truth) = desk("headers");
    for (name, label, header) in [
        ("counted.csv", "-1", "0,1,2,3,4,5,6\n"),
        ("named.csv", "digit", "0,1,2,3,4,5,digit\n"),
        ("last.csv", "-1", "1,2,3,4,5,6,kind\n"),
        ("words.csv", "-1", "a,b,c,d,e,f,g\n"),
    ] {
        let (source, label) = (format!("data.source={name}"), format!("data.labels={label}"));
        assert_eq!(desk.file(name, format!("{header}{}", plain(","))).digest(&[&source, &label]), truth, "{name}");
    }
    assert!(desk.notes(&["data.source=counted.csv", "data.labels=-1"]).contains("data.header = false"));
    // mixed ones need a word
    desk.file("years.csv", format!("id,2019,2020,2021,2022,2023,y\n{}", plain(",")));
    desk.refused(&["data.source=years.csv", "data.labels=-1"], &["line 1: column 1", "data.header = true"]);
    assert_eq!(desk.digest(&["data.source=years.csv", "data.labels=y", "data.header=true"]), truth);
    assert_eq!(desk.digest(&["data.source=years.csv", "data.labels=y"]), truth);
    // names twice
    for header in ["y,a,b,c,d,y,f\n", "a,b,a,c,d,e,y\n", "\"a\",b,c,d,e, a ,y\n"] {
        desk.file("twice.csv", format!("{header}{}", plain(",")));
        desk.refused(&["data.source=twice.csv", "data.labels=y"], &["line 1: columns ", "same name"]);
    }
    // a name that is also an index of another column
    desk.file("both.csv", format!("a,b,6,d,e,f,c\n{}", plain(",")));
    desk.refused(&["data.source=both.csv", "data.labels=6"], &["column 3", "column 7"]);
    assert_eq!(desk.digest(&["data.source=both.csv", "data.labels=-1", "data.header=true"]), truth);
    desk.file("none.csv", plain(","));
    desk.refused(&["data.source=none.csv", "data.labels=y"], &["no label column \"y\"", "data.header"]);
}

#[test]
fn index_columns_are_left_out_with_a_note() {
    let (desk, truth) = desk("index");
    let label = |i: usize| format!(",{}", i32::from(sign(i)));
    for (name, header, front) in [
        ("pandas.csv", ",a,b,c,d,e,f,y", &(|i: usize| format!("{i},")) as &dyn Fn(usize) -> String),
        ("split.csv", ",a,b,c,d,e,f,y", &|i| format!("{},", (i * 29 + 17) % 101)),
        ("again.csv", "Unnamed: 0,a,b,c,d,e,f,y", &|i| format!("{i},")),
        ("r.csv", "\"\",\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"y\"", &|i| format!("\"{}\",", i + 1)),
        ("genes.csv", ",a,b,c,d,e,f,y", &|i| format!("patient {i},")),
        ("table.csv", "a,b,c,d,e,f,y", &|i| format!("\"row{i}\",")), // R's write.table
    ] {
        let source = format!("data.source={name}");
        desk.file(name, format!("{header}\n{}", rows(",", front, label)));
        assert_eq!(desk.digest(&[&source, "data.labels=y"]), truth, "{name}");
        let notes = desk.notes(&[&source, "data.labels=y"]);
        assert!(notes.contains(name) && notes.contains("left out"), "{name}: {notes}");
    }
    // by its name it is a feature, and so are numbers that count nothing
    for (name, front) in
        [("id", &(|i: usize| format!("{i},")) as &dyn Fn(usize) -> String), ("", &|i| format!("{},", i / 2))]
    {
        desk.file("kept.csv", format!("{name},a,b,c,d,e,f,y\n{}", rows(",", front, label)));
        let settings = ["data.source=kept.csv", "data.labels=y"];
        assert_ne!(desk.digest(&settings), truth);
        assert_eq!(desk.digest(&[&settings[..], &["data.columns=1:"]].concat()), truth);
    }
}

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
