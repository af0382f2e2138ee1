#!/usr/bin/env bash
# Make `cargo build --target wasm32-unknown-unknown` work here, and print what to export.
#
#   bash wasm-toolchain.sh            # idempotent; seconds when there is nothing to do
#   eval "$(bash wasm-toolchain.sh --env)"   # the same, then exports RUSTUP_TOOLCHAIN/CC for this shell
#
# 1. a toolchain that already has the target is used as it is;
# 2. else `rustup target add` is tried, under a short time limit;
# 3. else Debian's rustc-web + rust-web-src are installed, std is compiled once for
#    wasm32-unknown-unknown into a sysroot of its own, and that is linked into rustup
#    under the name $WASM_TOOLCHAIN_NAME.
#
# Settings (environment): WASM_TOOLCHAIN_NAME (debian-wasm), WASM_TOOLCHAIN_DIR,
#   WASM_TARGET_ADD_TIMEOUT (20 s; 0 skips step 2), WASM_TOOLCHAIN_FORCE_DEBIAN=1 (skip 1 and 2).
set -euo pipefail

TARGET=wasm32-unknown-unknown
NAME=${WASM_TOOLCHAIN_NAME:-debian-wasm}
DIR=${WASM_TOOLCHAIN_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/wasm-toolchain}
TARGET_ADD_TIMEOUT=${WASM_TARGET_ADD_TIMEOUT:-20}
FORCE=${WASM_TOOLCHAIN_FORCE_DEBIAN:-0}

want_env=0; [ "${1:-}" = --env ] && want_env=1
log() { echo "wasm-toolchain: $*" >&2; }
sudo_() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

find_clang() { # a clang with the wasm32 back end, for C in crates (SQLite)
  local c
  for c in clang-22 clang-21 clang-20 clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 clang; do
    if command -v "$c" >/dev/null && "$c" --print-targets 2>/dev/null | grep -q wasm32; then echo "$c"; return 0; fi
  done
  return 1
}

apt_install() { # installs what is missing
  local p pkgs=()
  for p in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || pkgs+=("$p")
  done
  [ ${#pkgs[@]} -eq 0 ] && return 0
  log "apt-get install ${pkgs[*]}"
  sudo_ apt-get update -qq >&2
  sudo_ env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${pkgs[@]}" >&2
}

finish() { # $1: RUSTUP_TOOLCHAIN value, empty to leave rustup's default alone
  local cc ar
  find_clang >/dev/null || apt_install clang-22 llvm-22 || apt_install clang llvm
  cc=$(find_clang) || { log "no clang with the wasm32 back end"; exit 1; }
  ar=${cc/clang/llvm-ar}
  if [ "$want_env" = 1 ]; then
    if [ -n "$1" ]; then
      if command -v rustup >/dev/null; then echo "export RUSTUP_TOOLCHAIN=$1"; else echo "export PATH=\"$DIR/bin:\$PATH\""; fi
    fi
    echo "export CC_wasm32_unknown_unknown=$cc"
    if command -v "$ar" >/dev/null; then echo "export AR_wasm32_unknown_unknown=$ar"; fi
  else
    log "ready${1:+; toolchain $1}; for the settings: eval \"\$(bash $0 --env)\""
  fi
}

# Does this compiler really link a program that uses std for the target?
works() { # $@: rustc command
  local t; t=$(mktemp -d)
  local rc=0
  printf '%s\n' '#[no_mangle] pub extern "C" fn f(a: i32) -> i32 { let v = vec![a; 3]; println!("{v:?}"); v[0] }' >"$t/a.rs"
  "$@" --target $TARGET --crate-type cdylib -C opt-level=1 -o "$t/a.wasm" "$t/a.rs" >/dev/null 2>"$t/err" || rc=1
  [ -s "$t/a.wasm" ] || rc=1
  rm -rf "$t"
  return $rc
}

if [ "$FORCE" != 1 ]; then
  if command -v rustup >/dev/null; then
    if works rustc; then finish ""; exit 0; fi
    if [ "$TARGET_ADD_TIMEOUT" != 0 ] &&
       RUST_BACKTRACE=0 RUSTUP_MAX_RETRIES=0 timeout "$TARGET_ADD_TIMEOUT" rustup target add $TARGET >&2 && works rustc; then
      log "rustup has the target"; finish ""; exit 0
    fi
    log "rustup cannot fetch the target; building std from Debian's sources"
  fi
fi

# ---- Debian's toolchain -------------------------------------------------------------------
apt_install rustc-web cargo-web rust-web-src lld-22 clang-22 llvm-22

RUSTC=/usr/bin/rustc CARGO=/usr/bin/cargo
version=$($RUSTC -vV | sed -n 's/^commit-hash: //p;s/^release: //p' | tr '\n' '-')
HOST=$($RUSTC -vV | sed -n 's/^host: //p')
STAMP="$DIR/stamp"
if [ ! -f "$STAMP" ] || [ "$(cat "$STAMP")" != "${version}v2" ] || ! works "$DIR/bin/rustc"; then
  log "compiling std for $TARGET with rustc ${version%-*} (about a minute)"
  work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/s/src"
  printf '[package]\nname="s"\nversion="0.0.0"\nedition="2021"\n[lib]\n[profile.release]\ncodegen-units=1\ndebug=0\n' >"$work/s/Cargo.toml"
  : >"$work/s/src/lib.rs"
  # embed-bitcode=yes: cargo leaves the bitcode out otherwise, and then fat LTO against this std fails.
  # No -C panic: the target's own default (abort) is what the stock std has too.
  (cd "$work/s" &&
   env -u RUSTC_WRAPPER -u CARGO_BUILD_RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS \
     RUSTC_BOOTSTRAP=1 RUSTC=$RUSTC RUSTFLAGS="-Cembed-bitcode=yes" CARGO_TARGET_DIR="$work/t" CARGO_NET_OFFLINE=${WASM_STD_OFFLINE:-false} \
     nice $CARGO build --release --target $TARGET \
       -Zbuild-std=core,alloc,std,panic_abort,panic_unwind,proc_macro,test >&2)
  rm -rf "$DIR"
  mkdir -p "$DIR/bin" "$DIR/lib/rustlib/$TARGET/lib"
  cp "$work/t/$TARGET/release/deps/"lib*.rlib "$DIR/lib/rustlib/$TARGET/lib/"
  cp "$work/t/$TARGET/release/deps/"lib*.rmeta "$DIR/lib/rustlib/$TARGET/lib/" 2>/dev/null || true
  rm -f "$DIR/lib/rustlib/$TARGET/lib/"libs-*    # the dummy crate itself
  # everything else is Debian's own
  for f in "$($RUSTC --print sysroot)/lib/rustlib/"*; do
    [ "${f##*/}" = "$HOST" ] || [ -e "$DIR/lib/rustlib/${f##*/}" ] || ln -s "$f" "$DIR/lib/rustlib/"
  done
  # rustc looks for the wasm linker as "rust-lld" beside the host's libraries; Debian ships it as lld-22.
  mkdir -p "$DIR/lib/rustlib/$HOST/bin"
  for f in "$($RUSTC --print sysroot)/lib/rustlib/$HOST/"*; do
    [ "${f##*/}" = bin ] || ln -s "$f" "$DIR/lib/rustlib/$HOST/"
  done
  ln -s "$(command -v lld-22)" "$DIR/lib/rustlib/$HOST/bin/rust-lld"
  # rustc takes its sysroot from where it lies, and symlinks are resolved first: hence wrappers.
  for b in rustc rustdoc; do
    printf '#!/bin/sh\nexec /usr/bin/%s --sysroot "%s" "$@"\n' $b "$DIR" >"$DIR/bin/$b"
    chmod +x "$DIR/bin/$b"
  done
  for b in cargo cargo-fmt rustfmt cargo-clippy clippy-driver; do
    [ -x "/usr/bin/$b" ] && ln -s "/usr/bin/$b" "$DIR/bin/$b"
  done
  works "$DIR/bin/rustc" || { log "the new sysroot does not link a test program"; exit 1; }
  echo "${version}v2" >"$STAMP"
fi
if command -v rustup >/dev/null && [ "$(readlink -f "${RUSTUP_HOME:-$HOME/.rustup}/toolchains/$NAME" 2>/dev/null)" != "$(readlink -f "$DIR")" ]; then
  rustup toolchain link "$NAME" "$DIR" >&2
fi
finish "$NAME"
