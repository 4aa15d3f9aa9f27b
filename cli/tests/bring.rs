//! What people bring: labels and tables as spreadsheets, pandas, R and scikit-learn write them, through the program. Each is
//! read as the same numbers, or refused in one line that helps.

mod desk;

use desk::*;
use std::fs;

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
