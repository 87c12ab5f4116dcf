"""The manual page and the completions: as real readers and shells see them, compared with --help."""
import os
import pty
import re
import select
import shutil
import subprocess

import pytest

import harness
from harness import PROGRAM, clean_environment, thumbwheel

# Answers each line of its input with one line: the words that would be offered, with tabs between them.
BASH = """
. /usr/share/bash-completion/bash_completion
while IFS= read -r COMP_LINE; do
    COMP_WORDS=($COMP_LINE)
    [[ $COMP_LINE == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_POINT=${#COMP_LINE} COMP_TYPE=9 COMPREPLY=()
    [[ $(complete -p thumbwheel 2>/dev/null) ]] || _completion_loader thumbwheel
    specification=$(complete -p thumbwheel)
    function=${specification#*-F }
    ${function%% *} thumbwheel "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    (IFS=$'\\t'; printf '%s\\n' "${COMPREPLY[*]}")
done
"""
FISH = """
while read -l line
    printf '%s\\n' (string join -- \\t (complete -C $line | string replace -r '\\t.*' ''))
end
"""
# The completion system of zsh works in the line editor, which needs a terminal: Tab writes the words to a pipe.
ZSH = """
PS1= PROMPT_EOL_MARK= fpath=($HOME $fpath)
autoload -Uz compinit && compinit -u -D
compadd()
{
    if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\\ * ]]; then
        local -a found
        builtin compadd -O found "$@"
        offered+=($found)
    fi
    builtin compadd "$@"
}
offer()
{
    typeset -gaU offered=()
    _main_complete
    print -r -u $ANSWERS -- ${(pj:\\t:)offered}
    compstate[list]= compstate[insert]=
    unset 'compstate[list]' 'compstate[insert]'
}
zle -C offer complete-word offer
bindkey '^I' offer
print -u $ANSWERS
"""


def needs(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    return pytest.mark.skipif(bool(missing), reason=f"no {' and no '.join(missing)}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The working directory of the shells, with something to offer."""
    folder = tmp_path_factory.mktemp("completion")
    (folder / "photo.jpg").touch()
    (folder / "photos").mkdir()
    return folder


def script(shell, path):
    done = thumbwheel("completion", shell)
    assert done.returncode == 0 and done.stderr == ""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(done.stdout)


def shell_environment(home, **variables):
    """With the program in PATH: fish completes no command that does not exist."""
    return clean_environment(HOME=str(home), PATH=f"{os.path.dirname(os.path.abspath(PROGRAM))}:{os.environ['PATH']}", **variables)


def piped(command, lines, folder, environment):
    done = subprocess.run(command, cwd=folder, input="".join(line + "\n" for line in lines), text=True, timeout=120,
                          capture_output=True, env=environment)
    assert done.stderr == ""
    return done.stdout.splitlines()


def offered_by_bash(lines, folder, home):
    script("bash", home / "completions/thumbwheel")
    return piped(["bash", "--norc", "-c", BASH], lines, folder, shell_environment(home, BASH_COMPLETION_USER_DIR=str(home)))


def offered_by_fish(lines, folder, home):
    script("fish", home / "fish/completions/thumbwheel.fish")
    return piped(["fish", "-c", FISH], lines, folder, shell_environment(home, XDG_CONFIG_HOME=str(home)))


def dialogue(terminal, answers, lines):
    """Types each line and Tab, when the answer to the one before has come; the shell's echo is dropped."""
    received, typed = b"", 0
    while typed <= len(lines):
        ready = select.select([terminal, answers], [], [], 120)[0]
        assert ready, f"no answer to {lines[typed - 1]!r}"
        if terminal in ready:
            os.read(terminal, 65536)
        if answers in ready:
            received += os.read(answers, 65536)
            if received.count(b"\n") > typed:
                os.write(terminal, b"\x15" + lines[typed].encode() + b"\t" if typed < len(lines) else b"\x15exit\n")
                typed += 1
    return received.decode().split("\n")[1:-1]


def offered_by_zsh(lines, folder, home):
    script("zsh", home / "_thumbwheel")
    (home / "setup").write_text(ZSH)
    answers, end = os.pipe()
    os.set_inheritable(end, True)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe("zsh", ["zsh", "-f", "-i"], shell_environment(home, TERM="xterm", ANSWERS=str(end)))
    os.close(end)
    os.write(terminal, b". $HOME/setup\n")
    try:
        return dialogue(terminal, answers, lines)
    finally:
        os.close(terminal)
        os.close(answers)
        os.waitpid(pid, 0)


SHELLS = {"bash": offered_by_bash, "zsh": offered_by_zsh, "fish": offered_by_fish}


@pytest.fixture(scope="module")
def commands():
    """By command: what --help says of each of its options, the name of its value or None."""
    found = {}
    for command in re.findall(r"^  (\w+) ", thumbwheel("--help").stdout, re.MULTILINE):
        text = thumbwheel(command, "--help").stdout
        found[command] = dict(re.findall(r"^  (--[a-z0-9-]+)(?: (\S+))?(?:  |$)", text, re.MULTILINE))
    return found


def expected_values(value):
    if value[0].islower():
        return set(value.split("|"))
    if value == "DIR":
        return {"photos"}
    return {"photo.jpg", "photos"} if "DIR" in value or "FILE" in value else set()


def questions(commands):
    """What is typed, and what must be offered."""
    yield "thumbwheel ru", {"run"}
    yield "thumbwheel ", {*commands, "help", "version"}
    yield "thumbwheel help ", set(commands)
    yield "thumbwheel completion ", set(SHELLS)
    yield "thumbwheel process ", {"photo.jpg", "photos"}
    asked = set()
    for command, options in commands.items():
        yield f"thumbwheel {command} --", set(options)
        for option, value in options.items():
            if value and option not in asked:
                asked.add(option)
                yield f"thumbwheel {command} {option} ", expected_values(value)


@pytest.mark.parametrize("shell", [pytest.param(shell, marks=needs(shell)) for shell in SHELLS])
def test_a_shell_offers_what_help_lists(shell, folder, commands, tmp_path):
    asked = dict(questions(commands))
    assert len(asked) > 40
    answers = SHELLS[shell](list(asked), folder, tmp_path)
    offered = {line: {word.rstrip("=/") for word in answer.split("\t") if word}
               for line, answer in zip(asked, answers, strict=True)}
    offered["thumbwheel "] -= {"--help", "--version"}  # bash offers these, too, before a dash is typed
    assert offered == asked


@pytest.mark.parametrize("typed, hint", [([], "bash, zsh or fish"), (["fis"], 'did you mean "fish"?'),
                                         (["powershell"], "bash, zsh and fish"), (["bash", "zsh"], "one shell")])
def test_completion_takes_one_known_shell(typed, hint):
    done = thumbwheel("completion", *typed)
    assert done.returncode == 2 and done.stdout == "" and hint in done.stderr


@pytest.fixture(scope="module")
def page(folder):
    done = thumbwheel("man", environment=clean_environment(LC_ALL="C"))
    assert done.returncode == 0 and done.stderr == "" and done.stdout.isascii()
    path = folder / "thumbwheel.1"
    path.write_text(done.stdout)
    return path


def read(*command, **variables):
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environment(**variables), timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr + done.stdout
    return done.stdout


@needs("man", "lexgrog", "mandoc")
def test_the_manual_page_is_correct_roff(page):
    assert read("mandoc", "-Tlint", "-Wwarning", page) == ""
    assert "thumbwheel - event-driven image engine" in read("lexgrog", page)
    read("man", "--warnings", "-l", page, LC_ALL="C.UTF-8", MANPAGER="cat")


@needs("man")
def test_the_manual_page_has_all_that_help_lists(page, commands):
    text = read("man", "-l", page, LC_ALL="C.UTF-8", MANWIDTH="200", MANPAGER="cat")
    assert re.findall(r"^       thumbwheel (\w+)", text.partition("DESCRIPTION")[0], re.MULTILINE) == [*commands, "help", "version"]
    listed = {option: value or "" for options in commands.values() for option, value in options.items()}
    assert set(re.findall(r"^ {7}(--[a-z0-9-]+)", text, re.MULTILINE)) == set(listed)
    missing = [option for option, value in listed.items()
               if not re.search(rf"^ {{7}}{option} *{re.escape(value)}(?:\n| )", text, re.MULTILINE)]
    assert missing == []
    for option in ("width × height", "THUMBWHEEL_MAX_PIXELS", "process: decode in separate, sandboxed processes"):
        assert option in text


def test_man_takes_no_argument():
    done = thumbwheel("man", "run")
    assert done.returncode == 2 and 'takes no argument "run"' in done.stderr
