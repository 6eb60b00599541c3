"""What a refusal looks like: one line that names what is wrong, a non-zero exit, and no trace of an output."""
import os
import re

from common import CENTER, SLOWDOWN, SPECTRUM, SurveyTest, run

LIMIT = 30 * SLOWDOWN  # seconds
# What mpirun says about a job that failed, blocks between rules and lines of its own; and where the sanitizers'
# allocator returns null.
BANNER = re.compile(r"^-{60,}\n.*?^-{60,}\n", re.MULTILINE | re.DOTALL)
PASSED_OVER = re.compile(r"\[\S+:\d+\] (\d+ more process|Set MCA parameter)|mca_\w+: error in |\[warn\] Epoll |"
                         r"==\d+==WARNING: AddressSanitizer failed to allocate")
OLD = b"what was here before"

# mpirun grants surviving ranks a second; to wait for it in every case would take minutes.
QUICK = dict(os.environ, OMPI_MCA_odls_base_sigkill_timeout="0")


def flag(name):
    return "--" + name.replace("_", "-")


def words(command, options):
    """{'npix': 6, 'overwrite': True, 'seed': None} -> [command, '--npix', 6, '--overwrite']"""
    given = [(flag(name), value) for name, value in options.items() if value is not None]
    return [command, *(word for name, value in given for word in ([name] if value is True else [name, value]))]


class RefusalTest(SurveyTest):
    def assert_refused(self, done, *names):
        """names: what the message must contain."""
        text = done.stderr
        self.assertNotEqual(done.returncode, 0)
        self.assertLess(done.seconds, LIMIT)
        self.assertNotRegex(text + done.stdout, "terminate called|HDF5-DIAG|FITSIO|Traceback|Signal: |contract broken")
        said = [line for line in BANNER.sub("", text).splitlines() if line.strip() and not PASSED_OVER.match(line)]
        self.assertEqual(len([line for line in said if line.startswith("error: ")]), 1, text)
        self.assertEqual(len(said), 1, f"more than the error is said:\n{text}")
        for name in names:
            self.assertIn(str(name), said[0])

    def assert_clean(self, out, kept):
        self.assertFalse(os.path.exists(f"{out}.partial"), f"{out}.partial is left behind")
        if kept is None:
            self.assertFalse(out.is_file(), f"{out} was written")
        else:
            self.assertEqual(out.read_bytes(), kept)

    def refuse(self, args, *names, ranks=2, outputs=(), kept=None, launch=run):
        """Runs tessera, which must refuse; kept: content of the outputs before and after."""
        for out in outputs if kept else ():
            out.write_bytes(kept)
        done = launch(ranks, args, timeout=LIMIT, env=QUICK)
        with self.subTest(args=" ".join(map(str, args[1:])), ranks=ranks):
            self.assert_refused(done, *names)
        for out in outputs:
            with self.subTest(args=" ".join(map(str, args[1:])), ranks=ranks, output=out.name):
                self.assert_clean(out, kept)
            for rest in (out, out.with_name(out.name + ".partial")):
                if rest.is_file():
                    rest.unlink()

    def refuse_map(self, *names, ranks=2, kept=None, launch=run, **changes):
        """`tessera map` on the mock survey with some options changed, or None to leave one out. kept: as in refuse."""
        out = self.here / "maps.h5"
        options = dict(catalogue=self.catalogue, center=CENTER, npix="48,40", pixel_arcmin=1, spectrum=SPECTRUM,
                       methods="ks,wiener", samples=2, out=out) | changes
        if kept:
            options.setdefault("overwrite", True)
        self.refuse(words("map", options), *names, ranks=ranks, outputs=[out], kept=kept, launch=launch)

    def refuse_simulate(self, *names, ranks=2, kept=None, launch=run, **changes):
        outputs = self.here / "new.h5", self.here / "new_truth.h5"
        options = dict(center=CENTER, npix="48,40", pixel_arcmin=1, density=20, spectrum=SPECTRUM,
                       out_catalogue=outputs[0], out_truth=outputs[1]) | changes
        if kept:
            options.setdefault("overwrite", True)
        self.refuse(words("simulate", options), *names, ranks=ranks, outputs=outputs, kept=kept, launch=launch)
