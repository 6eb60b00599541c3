"""Every case of the corpus: one line that names what is wrong and what to do, a non-zero exit of all ranks before long, and
not a byte of a file changed. Areas, or names of cases, are chosen by words of the command line."""
import sys

import catalogues, checkpoints, configs, maps, masks, models, outputs, skies, spectra  # noqa: F401, E401
from common import SLOWDOWN, main, run
from corpus import CASES, Inputs, Place
from refusal import LIMIT, QUICK, RefusalTest


def contents(folder):
    """Every file below a folder; pipes, links and folders by their names alone."""
    return {path.relative_to(folder): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


class Corpus(RefusalTest):
    @classmethod
    def setUpClass(cls):
        cls.inputs = Inputs()
        cls.addClassCleanup(cls.inputs.remove)

    def setUp(self):
        self.place = Place(self.inputs)

    def check(self, case):
        if case.crashes and SLOWDOWN > 1:
            self.skipTest("a library's crash, with sanitizers")
        words = case.make(self.place)
        before = contents(self.place.here)
        done = run(case.ranks, words, timeout=LIMIT, env=QUICK, errors="replace")
        self.assert_refused(done, *case.says)
        self.assertEqual(contents(self.place.here), before)


def method(case):
    return lambda self: self.check(case)


chosen = sys.argv[1:]
for case in CASES:
    if not chosen or any(case.name.startswith(word) for word in chosen):
        setattr(Corpus, "test_" + case.name, method(case))

if __name__ == "__main__":
    del sys.argv[1:]
    main()
