# Shared by the scripts beside it; sourced, never run. Every script works from the root of the repository.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

WASM_BINDGEN_VERSION=0.2.130
# The newest feature we need came with this compiler (OpenMLS asks for it).
RUST_MINIMUM=1.91
NODE_MINIMUM=20.19
TOOLS_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/xmtp-web
WASM_BINDGEN_DIR=$TOOLS_CACHE/wasm-bindgen-$WASM_BINDGEN_VERSION
# What these scripts remember between runs; safe to delete.
STATE=$ROOT/.cache
TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}

say() { printf '%s\n' "$*" >&2; }
heading() { printf '\n\033[1m== %s\033[0m\n' "$*" >&2; }
# A failure is one sentence that names what to do about it.
fail() { printf '\033[31merror:\033[0m %s\n' "$*" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
# at_least 1.91 1.96.0: is the second at least the first?
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n1)" = "$1" ]; }

# One hash over the given files and everything below the given folders.
hash_of() {
  find "$@" -type f -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum | cut -d' ' -f1
}

find_first() { # the first of the given commands that exists
  local c
  for c in "$@"; do if [ -n "$c" ] && command -v "$c" >/dev/null; then command -v "$c"; return 0; fi; done
  return 1
}
find_chromium() { find_first "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; }
# The same engine without windows and tabs of its own, which take half a core while a page draws; else Chromium. Debian's
# command is a script that outlives what ends it: the program itself comes first.
find_headless() { find_first "${CHROMIUM:-}" /usr/lib/chromium/chromium-headless-shell chromium-headless-shell || find_chromium; }
find_firefox() { find_first "${FIREFOX:-}" firefox-esr firefox; }
find_chromedriver() { find_first "${CHROMEDRIVER:-}" chromedriver /usr/lib/chromium-browser/chromedriver; }

# Debug builds of the local node and of what else is named. After `npm test` has compiled them beside the tests they are
# there: some of their dependencies have more features then, and cargo would compile those once more.
build_binaries() {
  [ "${XMTP_BINARIES:-}" = there ] || cargo build --quiet "${@/#/--package=}" ||
    fail "$* does not compile; the compiler's message is above."
}

# For wasm-bindgen-test: chromedriver would look for Chromium itself, and finds the one with windows first.
drive_headless() {
  CHROMIUM=$(find_headless)
  WASM_BINDGEN_TEST_WEBDRIVER_JSON=$STATE/webdriver.json
  export CHROMIUM WASM_BINDGEN_TEST_WEBDRIVER_JSON
  node -e 'const settings = JSON.parse(fs.readFileSync("webdriver.json", "utf8"));
    settings["goog:chromeOptions"].binary = process.env.CHROMIUM;
    console.log(JSON.stringify(settings));' >"$WASM_BINDGEN_TEST_WEBDRIVER_JSON"
}
