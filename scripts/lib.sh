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

said=''                        # has the sentence been said that explains the failure?
outermost=${PAVISE_INSIDE:-yes} # "no" in a script that another one runs
export PAVISE_INSIDE=no

say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# die SENTENCE: the one way out for a failure that a person must act on
die() {
	said=yes
	say "$*"
	exit 1
}

# part COMMAND...: one of our own scripts, which says itself why it fails
part() {
	"$@" || {
		said=yes
		exit 1
	}
}

free_mib() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print int($4 / 1024) }'; }

# room MIB FOLDER WHAT: asked before, because apt waits for ever on a disk that is full
room() {
	room_free=$(free_mib "$2")
	[ "${room_free:-$1}" -ge "$1" ] || die "$3 needs $1 MiB in $2, and $room_free are free"
}

at_exit() {
	[ $? != 0 ] && [ -z "$said" ] || return 0
	if [ "$(free_mib .)" = 0 ]; then
		say "the disk is full"
	else
		say "a command failed (see above)"
	fi
}
trap at_exit EXIT
trap 'said=yes; [ "$outermost" = no ] || say "interrupted; started again, it goes on"; exit 130' INT TERM HUP

# quietly LOG COMMAND...: runs it; when it fails, `why` is what it said of the reason.
# Where nobody can look into the log, what is at its end is shown.
why=''
quietly() {
	quietly_log=$1
	shift
	mkdir -p "$(dirname "$quietly_log")"
	"$@" >"$quietly_log" 2>&1 </dev/null && return 0
	why=$(grep -m 1 -E '^E: |[Ee]rror: |ERROR: |[Ff]atal: |FATAL: |No space left' "$quietly_log" ||
		grep . "$quietly_log" | tail -n 1)
	why="${why:-no word of why} (all it said: $quietly_log)"
	[ -z "${CI:-}" ] || grep -v '^\[[0-9]*/[0-9]*\] ' "$quietly_log" | tail -n 40 >&2
	return 1
}

# as_root COMMAND...: as it is for root, else through sudo
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
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
			die "'meson setup $build' failed: $why"
	fi
	if ! ninja -C "$build" -n "$@" 2>/dev/null | grep -q 'no work to do'; then
		room 100 "$top" "building"
		say "building"
		quietly "$build/ninja.log" ninja -C "$build" "$@" ||
			die "the build failed: $why"
	fi
	exec 9>&-
}

# usage: prints the comment at the top of the script
usage() {
	sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$top/scripts/${0##*/}"
	exit 0
}
