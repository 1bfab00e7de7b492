#!/bin/sh
# Stands for picoclaw in tests: prints its banner, onboards as it does, and overwrites what people wrote.
VERSION=0.0.0
home=${PICOCLAW_HOME:-$HOME/.picoclaw}
printf '\342\226\210\342\226\210 banner\r\n'
case $1 in
  version) echo "picoclaw $VERSION" ;;
  onboard)
    sleep 0.4 # long enough to be seen
    if read -r line; then echo "onboard read: $line" >>"$HOME/eaten"; fi
    echo onboard >>"$HOME/onboarded"
    mkdir -p "$home/workspace/memory"
    [ -f "$home/config.json" ] || cat >"$home/config.json" <<END
{
  "agents": {"defaults": {"workspace": "~/.picoclaw/workspace", "model_name": ""}},
  "channels": {"telegram": {"allow_from": [12345678901234567890]}},
  "model_list": [
    {"model_name": "gpt-5.2", "model": "openai/gpt-5.2", "api_base": "https://api.openai.com/v1"},
    {"model_name": "claude-sonnet-4.6", "model": "anthropic/claude-sonnet-4.6", "api_base": "https://api.anthropic.com/v1"}
  ]
}
END
    for file in AGENT.md SOUL.md memory/MEMORY.md; do echo template >"$home/workspace/$file"; done
    ;;
  agent)
    mkdir -p "$home/workspace/sessions"
    printf '\n\360\237\246\236 answer with the key %s\n' "$(grep -c sk-canary "$home/.security.yml")"
    ;;
esac
