#!/usr/bin/env python3
# Checks an export of evidence: python3 verify.py [FOLDER]. Needs Python 3.6 and openssl 3, nothing else.
# 0: everything holds. 1: something does not, and the last line says what. Read it: it is short so that you can.
import hashlib, json, os, subprocess, sys

folder = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))


def fail(what):
    sys.exit("WRONG: " + what)


def path(*names):
    return os.path.join(folder, *names)


def run(*command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        fail("openssl is not installed: nothing was checked")


# 1. Keys: the name of each is its fingerprint.
for name in os.listdir(path("keys")):
    der = run("openssl", "pkey", "-pubin", "-in", path("keys", name), "-outform", "DER").stdout
    if hashlib.blake2b(der, digest_size=16).hexdigest() + ".pem" != name:
        fail("keys/%s is not the key that its name says" % name)

# 2. Seals: each is signed by its key, and names a row and that row's hash.
sealed = {}
for name in sorted(os.listdir(path("seals"))):
    if not name.endswith(".txt"):
        continue
    lines = open(path("seals", name), encoding="utf-8").read().split("\n")
    if len(lines) != 6 or lines[0] != "vitrine evidence seal":
        fail("seals/%s is not a seal" % name)
    device, sequence, row_hash = lines[1], int(lines[2]), lines[3]
    key = path("keys", device + ".pem")
    checked = run("openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key, "-in", path("seals", name),
                  "-sigfile", path("seals", name[:-4] + ".sig"))
    if not os.path.exists(key) or checked.returncode != 0:
        fail("seals/%s is not signed by device %s" % (name, device))
    sealed[sequence] = row_hash

# 3. Rows: each hash is BLAKE2b-256 of the hash before, a line end and the body.
previous, sequence, first, files, seals = None, None, None, {}, 0
with open(path("rows.jsonl"), encoding="utf-8", newline="\n") as rows:
    for number, line in enumerate(rows, 1):
        row = json.loads(line)
        body = row["body"]
        content = json.loads(body)
        sequence = content["sequence"] if sequence is None else sequence + 1
        first = first or sequence
        if content["sequence"] != sequence:
            fail("row %d is missing: row %d stands in its place" % (sequence, content["sequence"]))
        if previous is not None and row["prev"] != previous:
            fail("row %d does not follow the row before it" % sequence)
        previous = hashlib.blake2b((row["prev"] + "\n" + body).encode(), digest_size=32).hexdigest()
        if row["hash"] != previous or (sequence == 1 and row["prev"] != "0" * 64):
            fail("row %d was changed: its content gives %s" % (sequence, previous))
        if sequence in sealed:
            if sealed[sequence] != previous:
                fail("row %d is not the row that was sealed" % sequence)
            seals += 1
        if content["kind"] == "file" and "blake2b" in content:
            files[os.path.join(content["program"], content["session"], content["file"])] = content["blake2b"]
if previous is None or sequence not in sealed:
    fail("no seal covers the last rows (to %s): the end may be missing" % sequence)
if seals != len(sealed):
    fail("a seal is about a row that is not here")

# 4. Recordings: those that are along are those whose hash is in the rows.
checked = 0
for root, _, names in os.walk(path("recordings")):
    for name in names:
        file = os.path.relpath(os.path.join(root, name), path("recordings"))
        if file not in files:
            fail("recordings/%s: no row knows this file" % file)
        state = hashlib.blake2b(digest_size=32)
        with open(os.path.join(root, name), "rb") as recording:
            for block in iter(lambda: recording.read(1 << 20), b""):
                state.update(block)
        if state.hexdigest() != files[file]:
            fail("recordings/%s was changed since it was recorded" % file)
        checked += 1

print("OK: rows %d to %d follow from each other, %d seals, %d recordings (%d in the rows are not along)"
      % (first, sequence, seals, checked, len(files) - checked))
print("Signed by device: " + " ".join(sorted(name[:-4] for name in os.listdir(path("keys")))))
print("Compare this with what the shop told you before (vitrinectl evidence key).")
