#!/usr/bin/env python3
"""Makes every package out of one built program; nothing is compiled and nothing fetched.

    packaging/build.py PROGRAM TARGET OUT [--repository OWNER/NAME]

PROGRAM is the built binary, TARGET its Rust triple. OUT gets: a tarball with its checksum, npm's two folders (the launcher
and the program of this platform, for `npm pack`), a wheel, and an MCP bundle.
"""

import argparse
import base64
import hashlib
import json
import re
import shutil
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Triple: npm's os, cpu; Python's platform tag; the bundle's platform.
TARGETS = {
    "x86_64-unknown-linux-musl": ("linux", "x64", "manylinux_2_17_x86_64.musllinux_1_1_x86_64", "linux"),
    "aarch64-unknown-linux-musl": ("linux", "arm64", "manylinux_2_17_aarch64.musllinux_1_1_aarch64", "linux"),
    "x86_64-unknown-linux-gnu": ("linux", "x64", "linux_x86_64", "linux"),
    "aarch64-unknown-linux-gnu": ("linux", "arm64", "linux_aarch64", "linux"),
    "x86_64-apple-darwin": ("darwin", "x64", "macosx_11_0_x86_64", "darwin"),
    "aarch64-apple-darwin": ("darwin", "arm64", "macosx_11_0_arm64", "darwin"),
    "x86_64-pc-windows-msvc": ("win32", "x64", "win_amd64", "win32"),
}
# A fixed time makes the same input the same file.
EPOCH = (2020, 1, 1, 0, 0, 0)


def package():
    """Name, version and description out of Cargo.toml."""
    text = (ROOT / "Cargo.toml").read_text()
    field = lambda name: re.search(rf'^{name} = "(.*)"$', text, re.M).group(1)
    return field("version"), field("description")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def tarball(program, target, version, out):
    name = f"prodsignal-{version}-{target}"
    path = out / f"{name}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(program, f"{name}/{exe(target)}")
        for other in ("README.md", "LICENSE", "CHANGELOG.md"):
            archive.add(ROOT / other, f"{name}/{other}")
    (out / f"{path.name}.sha256").write_text(f"{sha256(path.read_bytes())}  {path.name}\n")


def exe(target):
    return "prodsignal.exe" if "windows" in target else "prodsignal"


def npm(program, target, version, description, out):
    system, cpu, _, _ = TARGETS[target]
    own = f"prodsignal-{system}-{cpu}"
    folder = out / "npm" / own
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    shutil.copy2(program, folder / "bin" / exe(target))
    manifest = {"name": own, "version": version, "description": f"The program of prodsignal for {system} {cpu}",
                "license": "MIT", "os": [system], "cpu": [cpu], "files": ["bin"]}
    (folder / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
    launcher = out / "npm" / "prodsignal"
    shutil.copytree(ROOT / "packaging/npm", launcher, dirs_exist_ok=True)
    shutil.copy2(ROOT / "README.md", launcher / "README.md")
    platforms = sorted({f"prodsignal-{s}-{c}" for s, c, _, _ in TARGETS.values()})
    manifest = {
        "name": "prodsignal", "version": version, "description": description, "license": "MIT",
        "mcpName": "io.github.prodsignal/prodsignal", "bin": {"prodsignal": "bin/prodsignal.js"},
        "files": ["bin"], "engines": {"node": ">=18"},
        "optionalDependencies": {name: version for name in platforms},
    }
    (launcher / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")


def wheel(program, target, version, description, out):
    """As a wheel with a program in it is laid out: the program is one of its scripts."""
    tags = TARGETS[target][2].split(".")
    info = f"prodsignal-{version}.dist-info"
    metadata = (f"Metadata-Version: 2.1\nName: prodsignal\nVersion: {version}\nSummary: {description}\nLicense: MIT\n"
                f"Description-Content-Type: text/markdown\n\n{(ROOT / 'README.md').read_text()}")
    described = "Wheel-Version: 1.0\nGenerator: prodsignal\nRoot-Is-Purelib: false\n"
    described += "".join(f"Tag: py3-none-{tag}\n" for tag in tags)
    files = {
        f"prodsignal-{version}.data/scripts/{exe(target)}": Path(program).read_bytes(),
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": described.encode(),
    }
    record = ""
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(data)}\n"
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    archive(out / f"prodsignal-{version}-py3-none-{'.'.join(tags)}.whl", files)


def bundle(program, target, version, description, out):
    manifest = json.loads((ROOT / "packaging/manifest.json").read_text())
    manifest["version"] = version
    manifest["description"] = description
    manifest["server"]["entry_point"] = f"server/{exe(target)}"
    manifest["server"]["mcp_config"]["command"] = "${__dirname}/server/" + exe(target)
    manifest["compatibility"] = {"platforms": [TARGETS[target][3]]}
    files = {"manifest.json": (json.dumps(manifest, indent=2) + "\n").encode(),
             f"server/{exe(target)}": Path(program).read_bytes()}
    archive(out / f"prodsignal-{version}-{target}.mcpb", files)


def archive(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            runs = name.endswith(("prodsignal", "prodsignal.exe"))
            entry.external_attr = (0o100755 if runs else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, data)


def filled(version, repository, out):
    """The files that name a release: the install script, the registry's entry."""
    script = (ROOT / "packaging/install.sh").read_text()
    script = script.replace("@VERSION@", version).replace("@REPOSITORY@", repository)
    (out / "install.sh").write_text(script)
    (out / "install.sh").chmod(0o755)
    entry = json.loads((ROOT / "packaging/server.json").read_text())
    entry["version"] = version
    for one in entry["packages"]:
        one["version"] = version
    if repository:
        entry["repository"] = {"url": f"https://github.com/{repository}", "source": "github"}
    (out / "server.json").write_text(json.dumps(entry, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("out", type=Path)
    parser.add_argument("--repository", default="", help="OWNER/NAME of the releases that install.sh fetches from")
    asked = parser.parse_args()
    version, description = package()
    asked.out.mkdir(parents=True, exist_ok=True)
    tarball(asked.program, asked.target, version, asked.out)
    npm(asked.program, asked.target, version, description, asked.out)
    wheel(asked.program, asked.target, version, description, asked.out)
    bundle(asked.program, asked.target, version, description, asked.out)
    filled(version, asked.repository, asked.out)


if __name__ == "__main__":
    main()
