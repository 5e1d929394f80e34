"""A study as a file, the verbs, and what the command says."""

import contextlib
import io

from gansim.command_line.commands import main

FILE = """
name = "small"
seed = 3
aims = "Does the game matter?"

[[designs]]
name = "games"
reps = 40

[designs.gan]
target = { kind = "normal", mean = 500, std = 5 }
standardise = true
steps = 40
records = 4
n_eval = 64
batch_size = 16
generator = { hidden = [] }

[designs.factors]
game = ["minimax", "as-written"]
"optimizer_d.lr" = [0.01, 0.001]
"""
VERBS = ["init", "run", "show", "report", "verify", "replay", "relabel", "merge", "plan", "versions"]


def said(*argv: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(argument) for argument in argv])
        except SystemExit as stop:  # --help
            assert not stop.code
            code = 0
    return code, out.getvalue(), err.getvalue()
