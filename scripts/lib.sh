# Shared by the scripts beside it: where we are, how a step is announced, and whether packages may be installed.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -t 1 ]; then bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'; else bold='' red='' plain=''; fi

say() { printf '%s\n' "$*" >&2; }

die() {
  printf '%s%s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}

# step HEADING COMMAND...: runs the command under a heading and says how long it took; its exit code is the command's.
step() {
  local heading=$1 started=$SECONDS code=0
  shift
  printf '%s── %s%s\n' "$bold" "$heading" "$plain"
  "$@" || code=$?
  if [ "$code" = 0 ]; then
    printf '   done in %d s\n' $((SECONDS - started))
  else
    printf '%s   FAILED after %d s: %s%s\n' "$red" $((SECONDS - started)) "$heading" "$plain"
  fi
  return "$code"
}

# attempt HEADING COMMAND...: a step whose failure is remembered, so that the steps after it still run.
passed=0 failures=()
attempt() {
  if step "$@"; then passed=$((passed + 1)); else failures+=("$1"); fi
}

# summary NAME: the last line, and the exit code, of a script made of attempts.
summary() {
  if [ ${#failures[@]} -gt 0 ]; then
    local list
    printf -v list '%s; ' "${failures[@]}"
    die "$1: ${#failures[@]} of $((passed + ${#failures[@]})) steps failed in $SECONDS s: ${list%; }"
  fi
  printf '%s%s: all %d steps passed in %d s%s\n' "$bold" "$1" "$passed" "$SECONDS" "$plain"
}

# as_root COMMAND...: runs it as root where that needs no password; fails otherwise.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo --non-interactive "$@"; fi
}

may_apt() {
  command -v apt-get >/dev/null && as_root true 2>/dev/null
}

# apt_install PACKAGE...: from Debian's or Ubuntu's archive; its noise is shown only when it fails.
apt_install() {
  local log
  log=$(mktemp)
  say "   installing with apt: $*"
  if as_root apt-get update >"$log" 2>&1 \
    && as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@" >>"$log" 2>&1; then
    rm "$log"
  else
    tail -n 20 "$log" >&2
    rm "$log"
    return 1
  fi
}
