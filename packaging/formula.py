#!/usr/bin/env python3
"""Prints the Homebrew formula of a release: the template with the checksums of the tarballs in a folder.

    packaging/formula.py DIST --repository OWNER/NAME
"""

import argparse
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dist", type=Path)
    parser.add_argument("--repository", required=True)
    asked = parser.parse_args()
    version = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
    text = (ROOT / "packaging/prodsignal.rb.in").read_text()
    text = text.replace("@VERSION@", version).replace("@REPOSITORY@", asked.repository)

    def checksum(found):
        path = asked.dist / f"prodsignal-{version}-{found.group(1)}.tar.gz.sha256"
        return path.read_text().split()[0]

    print(re.sub(r"@SHA_([a-z0-9_-]+)@", checksum, text), end="")


if __name__ == "__main__":
    main()
