#!/bin/sh
# Make or update ./venv from requirements.txt and install plait into it. Run it again after every change; it is quick
# when there is nothing to do.
#
#   ./requirements.sh                      make or update ./venv
#   ./requirements.sh --compile [OPTIONS]  pin requirements*.in anew first (OPTIONS go to pip-compile, e.g. --upgrade)
#
# PYTHON=/path/to/python chooses the interpreter of a new ./venv. All PIP_ variables count.

set -eu

oldest="3.11"
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
cd -- "$here"
venv="$here/venv"
python="$venv/bin/python"
stamp="$venv/.plait-is-installed"

fail() {
    printf 'requirements.sh: %s\n' "$@" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

can_make_venvs() {
    "$1" -c 'import venv, ensurepip' >/dev/null 2>&1
}

# Set `base` to an interpreter that can make the venv, or say what is missing.
find_base() {
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3.13 python3.12 python3.11 python3 python
    fi
    without_venv=""
    found=""
    for base in "$@"; do
        if ! new_enough "$base"; then
            found="$found$("$base" -c 'import sys; sys.stdout.write(" %d.%d" % sys.version_info[:2])' 2>/dev/null || :)"
        elif can_make_venvs "$base"; then
            return
        else
            without_venv=$base
        fi
    done
    [ -z "$without_venv" ] || fail "$without_venv cannot make virtual environments: it lacks the module venv or ensurepip." \
        "On Debian and Ubuntu: apt install python3-venv"
    fail "plait needs Python $oldest or newer; found here:${found:- none}." \
        "Install one, or name it: PYTHON=/path/to/python ./requirements.sh"
}

works() {
    new_enough "$python" && "$python" -c 'import pip' >/dev/null 2>&1
}

make_venv() {
    if [ -d "$venv" ] && [ ! -f "$venv/pyvenv.cfg" ] && ls -A "$venv" | grep -qvE '^(bin|include|lib|lib64)$'; then
        fail "$venv is in the way: it is no virtual environment. Move it and run this again."
    fi
    find_base
    echo "making ./venv with $("$base" --version)"
    "$base" -m venv --clear "$venv" || fail "$base could not make $venv (see above)."
}

# What ./venv was made from; if this is unchanged, there is nothing to do.
wanted() {
    printf '%s\n' "$here"
    cat requirements.txt pyproject.toml
}

is_done() {
    [ -f "$stamp" ] && [ "$(wanted)" = "$(cat "$stamp")" ] && "$python" -c 'import plait' >/dev/null 2>&1
}

pip() {
    PIP_DISABLE_PIP_VERSION_CHECK=1 "$python" -m pip --quiet --no-input "$@"
}

install_all() {
    echo "installing requirements.txt into ./venv"
    rm -f "$stamp"
    pip install -r requirements.txt || fail "pip could not install the requirements (see above)."
    pip install --no-deps --no-build-isolation --editable . || fail "pip could not install plait itself (see above)."
    "$python" -m compileall -q src # else each start compiles it anew where PYTHONDONTWRITEBYTECODE is set
    wanted >"$stamp.new"
    mv "$stamp.new" "$stamp"
}

# Pins hold for Linux and macOS and for every Python from the oldest on, if they are made with the oldest.
compile() {
    "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
        fail "pins are made with Python $oldest, the oldest that plait takes: rm -r venv; PYTHON=python$oldest ./requirements.sh"
    if [ -f requirements-dev.txt ]; then pip install -r requirements-dev.txt; else pip install pip-tools; fi
    for name in requirements requirements-dev; do
        CUSTOM_COMPILE_COMMAND="./requirements.sh --compile" "$python" -m piptools compile --quiet \
            --allow-unsafe --strip-extras --annotation-style=line \
            --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
            --output-file="$name.txt" "$@" "$name.in"
    done
}

case "${1:-}" in
"" | --compile) ;;
*) fail "unknown option $1; there is only --compile" ;;
esac

# A venv without a stamp was left by a run that did not end well: nothing in it can be trusted.
if [ ! -f "$stamp" ] || ! works; then
    make_venv
fi
if [ "${1:-}" = --compile ]; then
    shift
    compile "$@"
fi
is_done || install_all
