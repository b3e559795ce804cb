# SPDX-License-Identifier: MIT
# Functions that the scripts share. Sourced, after `set -eu`, by scripts that
# stand in scripts/; leaves the shell in the top folder of the tree.
# shellcheck shell=sh disable=SC2034

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$top" || exit 1

build=build                    # meson's folder; what is not compiled stands below it too
guests=$build/guests           # kernels, modules and initramfs images of guests
cache=$guests/cache            # Debian packages as downloaded, and apt's private state
kernels="6.1 6.12"             # Debian 12's kernel and that of its backports

# die SENTENCE: the one way out for a failure that a person must act on
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# quietly LOG COMMAND...: runs it, and shows what it printed only if it fails
quietly() {
	quietly_log=$1
	shift
	mkdir -p "$(dirname "$quietly_log")"
	"$@" >"$quietly_log" 2>&1 </dev/null && return 0
	grep -v '^\[[0-9]*/[0-9]*\] ' "$quietly_log" | tail -n 25 >&2
	return 1
}

# as_root COMMAND...: as it is for root, else through sudo
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		die "'$1' needs root: become root, or install sudo, and run this again"
	fi
}

# one_at_a_time NAME: waits until no other script holds this lock
one_at_a_time() {
	mkdir -p "$build"
	exec 9>"$build/.lock-$1"
	flock 9
}

known_kernel() {
	case " $kernels " in
	*" $1 "*) ;;
	*) die "kernel '$1' is not one of: $kernels" ;;
	esac
}

# build [TARGET...]: builds what meson.build describes, or only these files of it;
# does nothing if all is up to date
# shellcheck disable=SC2120
build() {
	[ -e meson.build ] || die "there is no meson.build here"
	one_at_a_time meson
	if [ ! -e "$build/build.ninja" ]; then
		say "meson setup $build"
		quietly "$build/setup.log" meson setup "$build" ||
			die "'meson setup $build' failed (see above, and $build/setup.log)"
	fi
	if ! ninja -C "$build" -n "$@" 2>/dev/null | grep -q 'no work to do'; then
		say "building"
		quietly "$build/ninja.log" ninja -C "$build" "$@" ||
			die "the build failed (see above, and $build/ninja.log)"
	fi
	exec 9>&-
}
