//! Data files as people have them: what is read, what is refused and how, and that nothing panics.

use farfield::{Matrix, Standardize};
use farfield_cli::config::{self, Source};
use farfield_cli::error::Result;
use farfield_cli::files::{self, Reading, csv, labels, npy, open, pattern, svmlight};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// A reading with this label column.
fn how(label: Option<&str>) -> Reading<'_> {
    Reading { label, ..Reading::default() }
}

fn label_file(path: &Path, n: usize) -> Result<labels::Read> {
    labels::read(path, "data.labels", n, "", csv::Header::Auto)
}

fn sparse_file(path: &Path) -> Result<svmlight::Sparse> {
    svmlight::read(path, &Reading::default())
}

/// A file that is removed at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(content: impl AsRef<[u8]>) -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("farfield-loaders-{}-{number}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

fn table(content: &str, label: Option<&str>) -> csv::Table {
    csv::read(&Temporary::new(content).0, &how(label)).unwrap()
}

/// The message of a refusal, without the name of the file.
fn refusal<T: std::fmt::Debug>(read: impl Fn(&std::path::Path) -> Result<T>, content: impl AsRef<[u8]>) -> String {
    let file = Temporary::new(content);
    let error = read(&file.0).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text.strip_prefix(&format!("{}: ", file.0.display())).expect("the file is named").to_string()
}

#[test]
fn tables_with_and_without_header() {
    let plain = table("1,2,3\n-4.5,5e-1,6\r\n", None);
    assert_eq!((plain.x.rows(), plain.x.cols()), (2, 3));
    assert_eq!(plain.x.values(), [1.0, 2.0, 3.0, -4.5, 0.5, 6.0]);
    assert!(plain.labels.is_none() && plain.names.is_none());

    for label in ["class", "1", "-2"] {
        let named =
            table("# made by hand\n\nheight; class ;\"net; weight\"\n1;ALL;2\n3;AML;4\n\n5; \"ALL\";6", Some(label));
        assert_eq!(named.x.values(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let labels = named.labels.unwrap();
        assert_eq!(labels.y, [-1.0, 1.0, -1.0]);
        let (minus, plus) = (&labels.classes.negative, &labels.classes.positive);
        assert_eq!((minus.name.as_str(), minus.samples, plus.name.as_str(), plus.samples), ("ALL", 2, "AML", 1));
        assert_eq!(named.names.unwrap(), ["height", "net; weight"]);
    }
    // a byte order mark, tabs, numbers as classes in different spellings
    let tabs = table("\u{feff}1\t0\n2\t1.0\n3\t1\n4\t0.0\n", Some("-1"));
    assert_eq!(tabs.labels.unwrap().y, [-1.0, 1.0, 1.0, -1.0]);
    assert_eq!(table("y,a\n3,1\n7,2\n", Some("y")).labels.unwrap().y, [-1.0, 1.0]);
    assert_eq!(table("1,5\n1,6\n", Some("0")).labels.unwrap().y, [1.0, 1.0]);
    // an index is no name, unless a header has names only
    assert_eq!(table("1,2,1\n3,4,0\n", Some("2")).labels.unwrap().y, [1.0, -1.0]);
    // names that are numbers, beside the name of the label; an empty name; carriage returns
    assert_eq!(table("0,1,digit\n5,6,1\n7,8,0\n", Some("digit")).x.values(), [5.0, 6.0, 7.0, 8.0]);
    assert_eq!(table(",größe,y\r\n0,1.5,да\r\n1,2.5,нет\r\n", Some("y")).labels.unwrap().y, [-1.0, 1.0]);
}

#[test]
fn what_is_wrong_with_a_table() {
    let third =
        "label \"c\"; expected one of two classes (\"a\", \"b\"); data.header = true if the first line is a header";
    let plain = |p: &std::path::Path| csv::read(p, &how(None));
    let labelled = |p: &std::path::Path| csv::read(p, &how(Some("-1")));
    assert_eq!(refusal(plain, "1,2\n3,x\n"), "line 2: column 2: \"x\"; expected a number (commas separate)");
    assert_eq!(refusal(plain, "a,b\n\n# note\n3,\n"), "line 4: column 2: \"\"; expected a number (commas separate)");
    assert_eq!(refusal(plain, "1,2\n3,nan\n"), "line 2: column 2: \"nan\" is not finite");
    assert_eq!(refusal(plain, "1,2\n3,1e999\n"), "line 2: column 2: \"1e999\" is not finite");
    assert_eq!(refusal(plain, "1,2\n3\n"), "line 2: 1 fields; expected 2 (commas separate)");
    assert_eq!(refusal(plain, "1,2\n3,4,5\n"), "line 2: 3 fields; expected 2 (commas separate)");
    assert_eq!(refusal(plain, ""), "no samples");
    assert_eq!(refusal(plain, "a,b\n"), "no samples");
    assert_eq!(refusal(labelled, "1,a\n2,b\n3,c\n"), format!("line 3: {third}"));
    let only = "every label is \"a\"; expected two classes, or data.positive_class";
    assert_eq!(refusal(labelled, "1,a\n2,a\n"), only);
    let long = "1,a\n".repeat(200_000) + &"2,b\n".repeat(200_000) + "# note\n\n3,c\n4,c\n";
    assert_eq!(refusal(labelled, long), format!("line 400003: {third}"));
    assert_eq!(
        refusal(|p| csv::read(p, &how(Some("z"))), "a,b\n1,2\n"),
        "line 1: no label column \"z\" among its 2 columns"
    );
    // a first sample with a missing value is no header
    let names = "expected a number (if this line is a header, set data.header = true)";
    assert_eq!(refusal(labelled, "# note\n1,NA,1\n2,3,0\n"), format!("line 2: column 2: \"NA\"; {names}"));
    assert_eq!(refusal(plain, "x,2\n2,3\n"), format!("line 1: column 1: \"x\"; {names}"));
    assert_eq!(
        refusal(plain, "1,2\r3,4\n"),
        "line 1: column 2: a carriage return (CR) inside a line; save the file with LF or CR LF"
    );
    assert!(
        csv::read("/no/such.csv".as_ref(), &how(None))
            .unwrap_err()
            .to_string()
            .starts_with("/no/such.csv: cannot read")
    );
    // in a later chunk of a long file
    let mut long = "0.25,1\n".repeat(300_000);
    long.push_str("0.5,oops\n");
    assert_eq!(refusal(plain, &long), "line 300001: column 2: \"oops\"; expected a number (commas separate)");
}

#[test]
fn a_long_table_is_read_in_order() {
    let text: String =
        (0..400_000).map(|i| format!("{i},{}.5,{}\n", i % 7, if i % 3 == 0 { "no" } else { "yes" })).collect();
    let long = table(&text, Some("2"));
    let y = long.labels.unwrap().y;
    assert_eq!(long.x.rows(), 400_000);
    for i in 0..400_000 {
        assert_eq!(long.x.row(i), [i as f64, (i % 7) as f64 + 0.5]);
        assert_eq!(y[i], if i % 3 == 0 { -1.0 } else { 1.0 });
    }
}

#[test]
fn label_files() {
    let (read, _) = label_file(&Temporary::new("1\n0\n1\n").0, 3).unwrap();
    assert_eq!(read.y, [1.0, -1.0, 1.0]);
    let (read, _) = label_file(&Temporary::new("sick\nhealthy\n").0, 2).unwrap();
    assert_eq!((read.y, read.classes.positive.name.as_str()), (vec![1.0, -1.0], "sick"));
    assert_eq!(refusal(|p| label_file(p, 4), "1\n0\n"), "2 labels for 4 samples");
    assert_eq!(refusal(|p| label_file(p, 2), "1,1\n0,0\n"), "2 columns; expected one column of labels");
}

#[test]
fn sparse_files() {
    let text = "# two samples\n+1 1:0.5 4:-2 # first\n\n-1 qid:3 3:1e2\t2:7\n";
    let sparse = sparse_file(&Temporary::new(text).0).unwrap();
    assert_eq!((sparse.x.rows(), sparse.x.cols()), (2, 4));
    assert_eq!(sparse.x.values(), [0.5, 0.0, 0.0, -2.0, 0.0, 7.0, 100.0, 0.0]);
    assert_eq!(sparse.labels.y, [1.0, -1.0]);
    let one = |p: &Path| svmlight::read(p, &Reading { index_base: svmlight::IndexBase::One, ..Reading::default() });
    assert_eq!(refusal(one, "1 0:1\n"), "line 1: index 0, and data.index_base = 1");
    assert_eq!(refusal(sparse_file, "1 1:1\n-1 2:1 2:3\n"), "line 2: index 2 appears twice");
    assert_eq!(refusal(sparse_file, "1 1:1\n0 2\n"), "line 2: \"2\"; expected index:value");
    assert_eq!(refusal(sparse_file, "1 1:inf\n"), "line 1: \"1:inf\" is not finite");
    assert_eq!(
        refusal(sparse_file, "1 1:1\n2 1:1\n3 1:1\n"),
        "line 3: label \"3\"; expected one of two classes (\"1\", \"2\")"
    );
    assert_eq!(refusal(sparse_file, "1:1 2:1\n"), "line 1: \"1:1\" where the label should be");
    assert_eq!(refusal(sparse_file, "# nothing\n"), "no samples");
    assert!(refusal(sparse_file, "1 4611686018427387904:1\n").ends_with("GiB of memory"));
}

/// Rows and columns are taken before standardization, the same from an array, a table and a sparse file.
#[test]
fn chosen_rows_and_columns() {
    let named = |ending: &str, content: &str| {
        let file = Temporary::new(content);
        let path = file.0.with_extension(ending);
        std::fs::rename(&file.0, &path).unwrap();
        Temporary(path)
    };
    let table = named("csv", "y,a,b,c\n1,1,2,9\n0,3,7,9\n1,5,2,8\n0,7,3,9\n0,0,0,0\n");
    let sparse = named("svm", "1 1:1 2:2 3:9\n0 1:3 2:7 3:9\n1 1:5 2:2 3:8\n0 1:7 2:3 3:9\n0\n");
    let (array, y) = (named("npy", ""), named("csv", "1\n0\n1\n0\n0\n"));
    let values = [1.0, 2.0, 9.0, 3.0, 7.0, 9.0, 5.0, 2.0, 8.0, 7.0, 3.0, 9.0, 0.0, 0.0, 0.0];
    npy::write_matrix(&array.0, &Matrix::new(5, 3, values.to_vec())).unwrap();
    let path = |file: &Temporary| file.0.to_str().unwrap().to_string();
    let read = |(file, labels): &(&Temporary, String), rows: &str, columns: &str, standardize: Standardize| {
        let data = config::Data {
            source: Source::File(path(file)),
            labels: labels.clone(),
            rows: rows.into(),
            columns: columns.into(),
            standardize,
            ..Default::default()
        };
        files::read(&file.0, &data, &|_, _| Ok(()))
    };
    for source in [(&table, "y".to_string()), (&sparse, String::new()), (&array, path(&y))] {
        let some = read(&source, "3,0:2", "-1,0", Standardize::None).unwrap();
        assert_eq!((some.x.rows(), some.x.cols()), (3, 2));
        assert_eq!(some.x.values(), [9.0, 7.0, 9.0, 1.0, 9.0, 3.0]);
        assert_eq!(some.y, [-1.0, 1.0, -1.0]);
        let standardized = read(&source, "0,2", "0:2", Standardize::Columns).unwrap();
        assert_eq!(standardized.x.values(), [-1.0, 0.0, 1.0, 0.0]);
        let message = |rows: &str, columns: &str| {
            let error = read(&source, rows, columns, Standardize::None).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            error.to_string()
        };
        assert_eq!(message("0:6", ""), "data.rows: \"0:6\": 6 is outside; there are 5, counted from 0");
        assert_eq!(message("", "1,3"), "data.columns: \"3\": 3 is outside; there are 3, counted from 0");
        assert_eq!(message("2:2", ""), "data.rows: \"2:2\": an empty range; the end is not included");
        assert_eq!(message("", "0:2,1"), "data.columns: \"1\": 1 is chosen twice");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let file = Temporary::new(&bytes);
        for label in [None, Some("0"), Some("-1"), Some("a")] {
            csv::read(&file.0, &how(label)).ok();
        }
        sparse_file(&file.0).ok();
        label_file(&file.0, 3).ok();
    }

    #[test]
    fn no_text_panics(text in "[-+0-9a-c.,;:\"# \\t\\r\\n]{0,200}") {
        let file = Temporary::new(&text);
        for label in [None, Some("0"), Some("-1"), Some("a")] {
            csv::read(&file.0, &how(label)).ok();
        }
        sparse_file(&file.0).ok();
    }

    #[test]
    fn numbers_come_back(rows in prop::collection::vec(prop::collection::vec(-1e300f64..1e300, 3), 1..20)) {
        let text: String = rows.iter().map(|r| format!("{:e},{},{:?}\n", r[0], r[1], r[2])).collect();
        let read = csv::read(&Temporary::new(text).0, &how(None)).unwrap();
        prop_assert_eq!(read.x.values(), rows.concat());
    }

    #[test]
    fn no_array_panics(
        descr in "([<>|=]?[fiubSUO?cdq][0-9]{0,2}|float64|int8)",
        shape in "[0-9]{0,3}L?(, ?[0-9]{0,2})?,?",
        data in prop::collection::vec(any::<u8>(), 0..200),
        cut in 0usize..400,
    ) {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes.truncate(cut);
        let file = || open::stream(&bytes[..], Path::new("a.npy"), Some(bytes.len() as u64)).unwrap();
        let one_line = |e: farfield_cli::error::Error| assert_eq!(e.to_string().lines().count(), 1, "{e}");
        npy::parse_matrix(file(), &|_, _| Ok(())).map_err(one_line).ok();
        labels::parse(file(), 3, "", csv::Header::Auto).map_err(one_line).ok();
        pattern::parse(file(), 3, 2).map_err(one_line).ok();
    }

    #[test]
    fn no_spectrum_panics(text in "(identity|power|spiked|x)?:?[-0-9a-z.\\n]{0,4}:?[-0-9.einfa]{0,5}", d in 0usize..9) {
        match farfield_cli::setup::spectrum(&text, d) {
            Ok(values) => prop_assert!(values.len() == d && values.iter().all(|v| *v > 0.0 && v.is_finite())),
            Err(e) => prop_assert_eq!(e.to_string().lines().count(), 1, "{}", e),
        }
    }
}
