#!/bin/sh
# Installs prodsignal: fetches the tarball of this platform, checks its sum, puts the program into a folder.
#   PRODSIGNAL_BIN   where to [~/.local/bin]
#   PRODSIGNAL_FROM  folder or address that holds the tarballs [the releases of this version]
set -eu

version="@VERSION@"
from="${PRODSIGNAL_FROM:-https://github.com/@REPOSITORY@/releases/download/v$version}"
bin="${PRODSIGNAL_BIN:-$HOME/.local/bin}"

case "$(uname -s)" in
  Linux) system="unknown-linux-musl" ;;
  Darwin) system="apple-darwin" ;;
  *) echo "prodsignal: no tarball for $(uname -s); see the README for other ways" >&2; exit 1 ;;
esac
case "$(uname -m)" in
  x86_64 | amd64) target="x86_64-$system" ;;
  aarch64 | arm64) target="aarch64-$system" ;;
  *) echo "prodsignal: no tarball for $(uname -m); see the README for other ways" >&2; exit 1 ;;
esac
target="${PRODSIGNAL_TARGET:-$target}"

name="prodsignal-$version-$target"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
get() {
  case "$from" in
    http://* | https://*)
      if command -v curl >/dev/null 2>&1; then curl -fsSL "$from/$1" -o "$work/$1"; else wget -q "$from/$1" -O "$work/$1"; fi ;;
    *) cp "$from/$1" "$work/$1" ;;
  esac
}
get "$name.tar.gz"
get "$name.tar.gz.sha256"
cd "$work"
if command -v sha256sum >/dev/null 2>&1; then sha256sum -c "$name.tar.gz.sha256" >/dev/null; else shasum -a 256 -c "$name.tar.gz.sha256" >/dev/null; fi
tar -xzf "$name.tar.gz"
mkdir -p "$bin"
install -m 755 "$name/prodsignal" "$bin/prodsignal"
echo "prodsignal $version is in $bin"
case ":$PATH:" in
  *":$bin:"*) ;;
  *) echo "add $bin to your PATH" ;;
esac
echo "next: prodsignal demo; prodsignal install --all"
