# SPDX-License-Identifier: MIT
# bash: completes commands and options, as `pavise help` prints them, names of domains, and files.
# shellcheck shell=bash

_pavise_domains() {
	pavise list --json 2>/dev/null | grep -o '"name": *"[^"]*"' | sed 's/.*"\(.*\)"$/\1/'
}

_pavise() {
	local now=${COMP_WORDS[COMP_CWORD]} arguments operands i n=0

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(pavise help 2>/dev/null | awk '{ print $2 }')" -- "$now")
		return
	fi
	# Its line of help, without the summary, which stands behind two spaces.
	arguments=$(pavise help 2>/dev/null | sed -n "s/^pavise ${COMP_WORDS[1]}  *\([^ ].*[^ ]\)   *[^ ].*/\1/p")
	if [[ $now == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(grep -o -- '\[-[-a-z]*' <<<"$arguments" | tr -d '[')" -- "$now")
		return
	fi
	# Which of the operands this one is; an option's value is none.
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [[ $arguments == *"[${COMP_WORDS[i]} "* ]]; then
			((i++))
		elif [[ ${COMP_WORDS[i]} != -* ]]; then
			((n++))
		fi
	done
	[ "$i" = "$COMP_CWORD" ] || return
	read -ra operands < <(sed 's/\[-[^]]*\]//g' <<<"$arguments")
	[[ $arguments != *... ]] || ((n < ${#operands[@]})) || n=$((${#operands[@]} - 1))
	case ${operands[n]:-} in
	*DOMAIN*) mapfile -t COMPREPLY < <(compgen -W "$(_pavise_domains)" -- "$now") ;;
	*FILE*) mapfile -t COMPREPLY < <(compgen -f -- "$now") ;;
	esac
}

complete -o filenames -F _pavise pavise
