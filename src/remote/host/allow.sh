# What the owner of this host lets towline do: ROOT/allow, which nobody but them writes. No such file: everything. What
# it does not list is not allowed, and one that cannot be understood allows nothing.

# → $limited (there is such a file), $packs, $kinds of runtimes, $most slots, and $amiss: what is wrong with the file
allowed() {
  limited= packs= kinds= most= amiss= at=0 heard=
  [ -e allow ] || [ -L allow ] || return 0
  limited=1
  if [ -f allow ]; then
    { while read -r key value rest || [ -n "$key" ]; do
      at=$((at + 1))
      case $rest in '' | '#'*) ;; *) value= ;; esac
      case $key in
        '' | '#'*) ;;
        pack) if name "$value"; then packs="$packs $value"; else amiss=${amiss:-$at}; fi ;;
        runtime) if name "$value"; then kinds="$kinds $value"; else amiss=${amiss:-$at}; fi ;;
        slots) if number "$value"; then [ "${most:-$value}" -lt "$value" ] || most=$value; else amiss=${amiss:-$at}; fi ;;
        program) name "$value" || amiss=${amiss:-$at} ;; # for the gate alone
        *) amiss=${amiss:-$at} ;;
      esac
    done && heard=1; } 2>/dev/null <allow
  fi
  [ -z "$amiss" ] || amiss="line $amiss of $PWD/allow cannot be understood"
  [ -n "$heard" ] || amiss="$PWD/allow cannot be read"
}

# LIST WORD
listed() { case "$1 " in *" $2 "* | *" any "*) ;; *) return 1 ;; esac; }

# RUNTIME: sees what the owner has against a run of $pack → $why
forbidden() {
  why=
  allowed
  [ -n "$limited" ] || return 1
  if [ -n "$amiss" ]; then
    why=$amiss
  elif ! listed "$packs" "$pack"; then
    why="$PWD/allow has no line \`pack $pack\`"
  elif ! name "$1" || ! listed "$kinds" "$1"; then
    why="$PWD/allow has no line \`runtime $1\`"
  fi
  [ -n "$why" ]
}

# → $facts, with what the owner allows
owner_facts() {
  allowed
  [ -n "$limited" ] || return 0
  facts="$facts
allow slots ${most:--}
allow packs$packs
allow runtimes$kinds${amiss:+
allow amiss $amiss}"
}

# Does the owner know this pack? → $why
admitted() {
  why=
  allowed
  if [ -n "$amiss" ]; then
    why=$amiss
  elif [ -n "$limited" ] && ! listed "$packs" "${pack:--}"; then
    why="$PWD/allow has no line \`pack $pack\`"
  fi
  [ -z "$why" ]
}
