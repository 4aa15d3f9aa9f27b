"""Generated tables and sparse files, valid and mutated, read by Farfield and by independent readers: the same numbers
bit for bit, or a refusal, never other numbers.

    python3 fuzz/differential.py [FILES] [SEED]        # default: 10000 files; from the root of the repository

Tables are read again by Python's csv and float; sparse files by scikit-learn's loader where it is installed, and by
Python's split and float in any case. Valid files must not be refused. The rules in which Farfield departs from plain
readers are spelt out here once more, by themselves: skipped lines, headers, a first column without a name, classes.
"""
import csv, io, json, os, random, struct, subprocess, sys, tempfile

try:
    import numpy as np
    from sklearn.datasets import load_svmlight_file
except ImportError:
    load_svmlight_file = None

NUMBERS = ["0", "1", "-1", "2.5", "-0.0", "1e-3", "6.02e23", "1E5", "+7", ".5", "5.", "1e-320", "4.9e-324", "1.7976931348623157e308",
           "0.1", "123456789012345678", "9007199254740993", "3.141592653589793238", "0.000001", "1e22", "1e23", "00012", "-12345.678e-5"]


def number(r):
    kind = r.randrange(4)
    if kind == 0: return r.choice(NUMBERS)
    if kind == 1: return repr(r.uniform(-1e3, 1e3))
    if kind == 2: return repr(struct.unpack("<d", struct.pack("<Q", r.getrandbits(64) & ~(3 << 61)))[0])
    return str(r.randrange(-50, 50))


def finite(text):
    """A number as both sides may write it: what float reads but for underscores and values that are not finite."""
    text = text.strip(" \t")
    if "_" in text or not text.isascii(): raise ValueError(text)
    v = float(text)
    if v != v or v in (float("inf"), float("-inf")): raise ValueError(text)
    return v


# ------------------------------------------------------------------------------------------------- tables

CLASSES = [("0", "1"), ("-1", "+1"), ("1", "2"), ("a", "b"), ("no", "yes"), ("benign", "malignant tumor"), ("b,1", 'say "x"')]


def table(r):
    sep = r.choice([",", ",", ";", "\t", " "])
    n, d, at = r.randrange(2, 9), r.randrange(1, 7), None
    low, high = r.choice(CLASSES)
    header = r.random() < 0.5
    index = header and r.random() < 0.3
    quote = r.random() < 0.4
    def field(text):
        if sep == " " and (" " in text or text == ""): return '"' + text.replace('"', '""') + '"'
        if any(c in text for c in ',;\t"\n') or quote and r.random() < 0.5: return '"' + text.replace('"', '""') + '"'
        return text
    at = r.randrange(d + 1)
    lines = []
    if header:
        names = [f"f{k}" + r.choice(["", " x", '"', ",", "\n"]) * (r.random() < 0.2) for k in range(d)]
        names.insert(at, "kind")
        lines.append(([""] if index else []) + names)
    for i in range(n):
        row = [number(r) for _ in range(d)]
        row.insert(at, (low, high)[i % 2])
        lines.append(([str(i)] if index else []) + row)
    end = r.choice(["\n", "\n", "\r\n"])
    text = ""
    for line in lines:
        if r.random() < 0.1: text += r.choice(["# a note, with \"" + end, end])
        text += sep.join(map(field, line)) + end
    if r.random() < 0.3: text = text[: -len(end)]
    if r.random() < 0.1: text = "\ufeff" + text
    label = "kind" if header and r.random() < 0.7 else str(at + (1 if index else 0))
    return text.encode(), sep, label, (low, high)


def tight(record, sep):
    """Without the blanks between a closing quote and a separator, which csv takes for text."""
    out, inside = "", False
    for k, c in enumerate(record):
        inside ^= c == '"'
        if not inside and c in " \t" and out.endswith('"') and record[k:].lstrip(" \t")[:1] in ("", sep) and sep not in " \t": continue
        out += c
    return out


def read_table(raw, sep, label, notes):
    """Python's csv by the rules: the numbers and labels, or ValueError."""
    text = raw.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    # comments and empty lines are skipped before csv sees them, where no quote is open
    kept, pending = [], ""
    for line in text.split("\n"):
        if not pending and (line.strip(" \t\r\f") == "" or line.lstrip(" \t\r\f").startswith("#")): continue
        pending += line + "\n"
        if pending.count('"') % 2 == 0:
            kept.append(pending); pending = ""
    kept.append(pending)
    rows = []
    for record in kept:
        if record:
            record = record.rstrip("\n").removesuffix("\r")
            if sep == " ": # tabs between fields are blanks too
                record = '"'.join(p if k % 2 else p.replace("\t", " ") for k, p in enumerate(record.split('"'))).strip(" ")
            record = tight(record, sep)
            fields = next(csv.reader([record + "\n"] if "\n" not in record else io.StringIO(record + "\n", newline=""),
                                     delimiter=sep, skipinitialspace=True, strict=True), [])
            rows.append([f.strip(" \t\r\n\f\v") for f in fields])
    if not rows: raise ValueError("no samples")
    first = rows[0]
    # R's tables: the column that counts or names the rows has no name in the header
    if len(rows) > 1 and all(len(r) == len(first) + 1 for r in rows[1:]) and not any(numeric(f) for f in first):
        front = [r[0] for r in rows[1:]]
        if all(map(numeric, front)) and [float(f) for f in front] not in ([float(k) for k in range(len(front))], [k + 1.0 for k in range(len(front))]): raise ValueError("header")
        first = rows[0] = [""] + first
    def is_number(t):
        try: finite(t); return True
        except ValueError: return False
    try: at = int(label); at += len(first) if at < 0 else 0
    except ValueError: at = None
    named = label in first and not is_number(label)
    at = first.index(label) if named else at
    others = [f for k, f in enumerate(first) if k != at and f]
    header = named or (bool(others) and not any(map(is_number, others)))
    if not header and any("counts its columns" in n and "taken as a header" in n for n in notes): header = True
    names, body = (first, rows[1:]) if header else (None, rows)
    index = bool(names) and len(names) > 1 and names[0] == "" and at != 0 and any("left out" in n for n in notes)
    if index and len({r[0] for r in body}) < len(body): raise ValueError("an index that repeats")
    if not body or at is None or any(len(r) != len(first) for r in rows): raise ValueError("shape")
    x = [[finite(f) for k, f in enumerate(r) if k != at and not (index and k == 0)] for r in body]
    return x, signs([r[at] for r in body])


def signs(labels):
    try: values = [finite(t) for t in labels]
    except ValueError: values = None
    if values is None:
        values = list(labels)
        if any(numeric(t) for t in labels): raise ValueError("a number beside a name")
    kinds = sorted(set(values))
    if any(t == "" for t in labels): raise ValueError("empty label")
    if len(kinds) > 2 or len(kinds) == 1 and kinds[0] not in (-1.0, 0.0, 1.0): raise ValueError("classes")
    plus = kinds[-1] if len(kinds) == 2 or kinds[0] == 1.0 else None
    return [1.0 if v == plus else -1.0 for v in values]


def numeric(text):
    try: float(text); return True
    except ValueError: return False


# ------------------------------------------------------------------------------------------- sparse files

def sparse(r):
    base, d, n = r.randrange(2), r.randrange(1, 9), r.randrange(2, 9)
    low, high = r.choice([("0", "1"), ("-1", "+1"), ("1", "2"), ("-1.0", "1.0")])
    text = ""
    for i in range(n):
        keys = sorted(r.sample(range(base, d + base), r.randrange(0 if i else 1, d + 1)))
        if i == 0: keys = sorted(set(keys) | {base})
        text += (low, high)[i % 2] + "".join(f"{r.choice([' ', ' ', '  '])}{k}:{number(r)}" for k in keys)
        text += r.choice(["", "", " # a note"]) + "\n"
    return text.encode(), base


def read_sparse(raw):
    rows, labels = [], []
    for line in raw.decode("utf-8").removeprefix("\ufeff").split("\n"):
        parts = line.split("#")[0].split()
        if not parts: continue
        if "," in parts[0] or ":" in parts[0]: raise ValueError("label")
        entries = {}
        for part in parts[1:]:
            if part.startswith("qid:"): continue
            key, _, value = part.partition(":")
            if not (key.isascii() and key.isdigit()) or int(key) in entries: raise ValueError(part)
            entries[int(key)] = finite(value)
        rows.append(entries); labels.append(parts[0])
    keys = [k for row in rows for k in row]
    if not keys: raise ValueError("no features")
    base = 0 if 0 in keys else 1
    d = max(keys) - base + 1
    return [[row.get(k + base, 0.0) for k in range(d)] for row in rows], signs(labels)


def read_sklearn(path, zero):
    x, y = load_svmlight_file(path, dtype=np.float64, zero_based=zero)
    return x.toarray().tolist(), signs([repr(float(v)) for v in y])


# ----------------------------------------------------------------------------------------------- the test

def mutate(r, raw):
    raw = bytearray(raw)
    for _ in range(r.randrange(1, 4)):
        at = r.randrange(len(raw) + 1)
        kind = r.randrange(5)
        if kind == 0 and at < len(raw): del raw[at]
        elif kind == 1: raw[at:at] = r.choice([b'"', b",", b";", b"\n", b" ", b"e", b"-", b".", b"nan", b"#", b":", b"\t", b"\r", b"9", b'""', b"1e999", b"0x1"])
        elif kind == 2 and at < len(raw): raw[at] = r.choice(b'0123456789.,;:e-+"# \n')
        elif kind == 3: end = min(len(raw), at + r.randrange(1, 20)); raw[at:at] = raw[at:end]
        else: raw = raw[:at]
        if not raw: raw = bytearray(b"\n")
    return bytes(raw)


def bits(values):
    return [struct.pack(">d", v).hex() for v in values]


def main():
    count, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 10000, int(sys.argv[2]) if len(sys.argv) > 2 else 0
    r, folder, cases, lines = random.Random(seed), tempfile.mkdtemp(prefix="differential"), [], []
    for k in range(count):
        valid = k % 2 == 0
        if k % 4 < 2:
            raw, sep, label, _ = table(r)
            path = f"{folder}/{k}.csv"
            settings = [f"data.source={path}", f"data.labels={label}"]
        else:
            raw, sep, label = sparse(r)[0], None, None
            path = f"{folder}/{k}.svm"
            settings = [f"data.source={path}"]
        raw = raw if valid else mutate(r, raw)
        open(path, "wb").write(raw)
        cases.append((path, raw, sep, label, valid)); lines.append("\t".join(settings))
    reader = os.environ.get("FARFIELD_READ") # cli/examples/read, if it is built already
    if not reader:
        subprocess.run(["cargo", "build", "--release", "-p", "farfield-cli", "--locked", "-q", "--example", "read"], check=True)
        reader = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release", "examples", "read")
    answers = subprocess.run([reader], input="\n".join(lines) + "\n", capture_output=True, text=True)
    if answers.returncode: sys.exit(answers.stderr)
    answers = answers.stdout.splitlines()
    if len(answers) != count: sys.exit(f"{len(answers)} answers for {count} files")
    same = refused = bad = by_sklearn = stricter = 0
    for (path, raw, sep, label, valid), answer in zip(cases, map(json.loads, answers)):
        try: expected = read_table(raw, sep, label, answer.get("notes", [])) if sep else read_sparse(raw)
        except (ValueError, csv.Error, StopIteration, IndexError, OverflowError) as e: expected = None; why = e
        wrong = None
        if "error" in answer:
            refused += 1
            if valid: wrong = f"a valid file is refused: {answer['error']}"
            stricter += not valid and expected is not None
        elif expected is None: wrong = f"read, where the independent reader refuses: {why}"
        else:
            x, y = expected
            if answer["x"] != bits(v for row in x for v in row) or answer["y"] != bits(y): wrong = "other numbers"
            elif not sep and load_svmlight_file:
                try: x, y = read_sklearn(path, "auto")
                except Exception: x = None # it refuses less and more; what it reads has to agree
                if x is not None:
                    by_sklearn += 1
                    # a label that occurs alone, and zeros of either sign, are no matter of the loader
                    if [v + 0.0 for row in x for v in row] != [struct.unpack(">d", bytes.fromhex(b))[0] + 0.0 for b in answer["x"]] or bits(y) != answer["y"]: wrong = "other numbers than scikit-learn"
            same += wrong is None
        if wrong:
            bad += 1
            if bad <= 10: print(f"{path}: {wrong}\n  {raw[:300]!r}\n  {str(answer)[:300]}")
    third = f"{by_sklearn} of them also as scikit-learn" if load_svmlight_file else "scikit-learn is not installed: its part was left out"
    print(f"{count} files: {same} read as the independent readers, {third}; {refused} refused ({stricter} of them mutated files that Python reads); {bad} wrong")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
