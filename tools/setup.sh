# shellcheck shell=bash disable=SC2034
# Sourced by demo and check: installs Debian packages that are missing, configures and builds. Needs bash; no other tool.

packages_build=(g++ cmake ninja-build pkg-config libdnnl-dev libhwy-dev libfmt-dev nlohmann-json3-dev libsimdjson-dev
  libtomlplusplus-dev libcli11-dev libutf8proc-dev zlib1g-dev libzstd-dev libpng-dev libssl-dev libsndfile1-dev libsamplerate0-dev
  libkissfft-dev)
packages_test=(libgtest-dev librapidcheck-dev clang-format)
packages_slow=(clang clang-tidy libomp-dev libclang-rt-dev)

say() { printf '\n== %s\n' "$*" >&2; }
fail() { printf '\n%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; return; fi
  command -v sudo >/dev/null || fail "packages are missing and there is no sudo. As root: apt-get install ${missing[*]}"
  sudo "$@"
}

# install_packages NAME...: installs those that are missing; asks the network for nothing when none is.
install_packages() {
  local name
  missing=()
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null || fail "this script installs packages with apt-get; install by hand: ${missing[*]}"
  say "installing ${#missing[@]} packages: ${missing[*]}"
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}")
  if ! as_root "${install[@]}" >"$logs/install.log" 2>&1; then
    say "refreshing the list of packages (apt-get update)"
    as_root apt-get update -q >>"$logs/install.log" 2>&1 || fail "apt-get update failed; see $logs/install.log"
    as_root "${install[@]}" >>"$logs/install.log" 2>&1 || fail "apt-get install failed; see $logs/install.log"
  fi
}

# [build_in=FOLDER] build_preset PRESET [TARGET...]: configures and builds one preset of CMakePresets.json, in its own folder
# or in FOLDER.
build_preset() {
  local preset=$1 begin=$SECONDS
  shift
  say "building '$preset'${*:+ ($*)}"
  cmake --preset "$preset" ${build_in:+-B "$build_in"} >"$logs/configure-$preset.log" 2>&1 || {
    tail -n 20 "$logs/configure-$preset.log" >&2
    fail "configuring '$preset' failed; see $logs/configure-$preset.log"
  }
  local where=(--preset "$preset")
  [ -z "${build_in:-}" ] || where=("$build_in")
  cmake --build "${where[@]}" ${*:+--target "$@"} >"$logs/build-$preset.log" 2>&1 || {
    grep -B 2 -A 12 -E 'error|FAILED' "$logs/build-$preset.log" | head -n 60 >&2
    fail "building '$preset' failed; see $logs/build-$preset.log"
  }
  echo "built in $((SECONDS - begin)) s" >&2
}

logs=$PWD/build/logs
mkdir -p "$logs"
