"""Whatever is wrong with input, options or disk: one line that names it, a non-zero exit, and no trace of an output."""
import os
import shutil
import unittest

import h5py
import numpy as np
from astropy.io import fits
from astropy.table import Table

from common import CENTER, COLUMNS, FIELD, MPIEXEC, PRIOR, SPECTRUM, SURVEY, TESSERA, main, read_columns, run_words, write_csv
from refusal import OLD, QUICK, RefusalTest, flag, words

class Catalogue(RefusalTest):
    def file(self, name, content):
        path = self.here / name
        path.write_bytes(content)
        return path

    def fits(self, name, **columns):
        """The survey as FITS, columns replaced by `columns`, or dropped where they are None."""
        table = read_columns(self.catalogue)
        for column, values in columns.items():
            table.remove_column(column)
            if values is not None:
                table[column] = values if np.ndim(values) else np.full(len(table), values)
        table.write(self.here / name)
        return self.here / name

    def truncated(self, path):
        content = path.read_bytes()
        return self.file("cut_" + path.name, content[:len(content) * 7 // 10])

    def csv(self, change, line=-1):
        path = self.here / "table.csv"
        write_csv(read_columns(self.catalogue), path)
        lines = path.read_text().splitlines()
        lines[line] = change(lines[line])
        return self.file("table.csv", ("\n".join(lines) + "\n").encode())

    def test_files(self):
        for ranks in (1, 2, 3):
            self.refuse_map("missing.fits", ranks=ranks, catalogue=self.here / "missing.fits")
        self.refuse_map(self.here, "folder", catalogue=self.here)
        self.refuse_map("empty.fits", "empty", catalogue=self.file("empty.fits", b""))
        self.refuse_map("junk.bin", catalogue=self.file("junk.bin", bytes(range(256)) * 100))
        image = self.here / "image.fits"
        fits.PrimaryHDU(np.zeros((4, 4))).writeto(image)
        self.refuse_map("image.fits", "table", catalogue=image)
        header_only = self.file("header.fits", image.read_bytes()[:1000])
        self.refuse_map("header.fits", catalogue=header_only)
        self.refuse_map("truth.h5", catalogue=self.truth)  # HDF5 without a table

    def test_truncated(self):
        for ranks in (1, 2, 3):
            self.refuse_map("cut_whole.fits", "truncated", ranks=ranks, catalogue=self.truncated(
                self.fits("whole.fits") if ranks == 1 else self.here / "whole.fits"))
        self.refuse_map("cut_whole.fits.gz", catalogue=self.truncated(self.fits("whole.fits.gz")))
        self.refuse_map("cut_catalogue.h5", "truncated", catalogue=self.truncated(self.catalogue))

    def test_columns(self):
        self.refuse_map("no_e2.fits", "'e2", "--e2-column", catalogue=self.fits("no_e2.fits", e2=None))
        self.refuse_map("'shape'", "--e1-column", e1_column="shape")
        self.refuse_map("'bias'", "--m", m="bias")
        self.refuse_map("/nowhere", "--section", section="/nowhere")
        self.refuse_map("words.fits", "'e1'", "number", catalogue=self.fits("words.fits", e1="round"))
        text = self.here / "words.h5"
        shutil.copy(self.catalogue, text)
        with h5py.File(text, "a") as file:
            rows = len(file["e1"])
            del file["e1"]
            file["e1"] = np.full(rows, b"round")
        self.refuse_map("words.h5", "e1", "number", catalogue=text)
        with h5py.File(text, "a") as file:
            del file["e1"]
            file["e1"] = np.zeros(rows - 1)
        self.refuse_map("words.h5", "'e1'", "rows", catalogue=text)

    def test_no_usable_galaxy(self):
        self.refuse_map("unweighted.fits", "zero", catalogue=self.fits("unweighted.fits", w=0.0))
        self.refuse_map("nan.fits", "not finite", ranks=3, catalogue=self.fits("nan.fits", e1=np.nan, e2=np.nan))
        self.refuse_map("dispersion", "--sigma-e", catalogue=self.fits("round.fits", e1=0.0, e2=0.0))
        rows = Table({name: np.zeros(0) for name in COLUMNS})
        rows.write(self.here / "rows.fits")
        self.refuse_map("rows.fits", "0 rows", catalogue=self.here / "rows.fits")
        for ranks in (1, 2, 3):
            self.refuse_map("galaxy", "--center", ranks=ranks, center="40,-30")
        self.refuse_map("response", "--m", m=-1.5)

    def test_csv(self):
        for ranks in (1, 2, 3):  # the last line is read by the last rank
            self.refuse_map("table.csv", "6 fields", ranks=ranks, catalogue=self.csv(lambda line: line + ",7"))
            self.refuse_map("table.csv", "'two'", ranks=ranks, catalogue=self.csv(lambda line: line[:-3] + "two"))
        self.refuse_map("table.csv", "4 fields", catalogue=self.csv(lambda line: line[line.index(",") + 1:], line=1))
        self.refuse_map("table.csv", "1,5", catalogue=self.file("table.csv", b"ra;dec;e1;e2;w\n1,5;2;0;0;1\n"))
        self.refuse_map("table.csv", "column", catalogue=self.file("table.csv", b"150,2,0.1,0.1,1\n"))


class Spectrum(RefusalTest):
    def refuse_spectrum(self, text, *names, **options):
        path = self.here / "spectrum.txt"
        path.write_text(text)
        self.refuse_map("spectrum.txt", *names, spectrum=path, **options)

    def changed(self, change, row=60):
        """The good table with one row changed: change(ell, C_ell) -> text."""
        lines = SPECTRUM.read_text().splitlines()
        lines[row] = change(*lines[row].split())
        return "\n".join(lines) + "\n"

    def test_values(self):
        self.refuse_spectrum(self.changed(lambda ell, c: f"{ell} nan"), "finite", ranks=1)
        self.refuse_spectrum(self.changed(lambda ell, c: f"nan {c}"), "finite")
        self.refuse_spectrum(self.changed(lambda ell, c: f"{ell} -{c}"), "positive", ranks=3)
        self.refuse_spectrum(self.changed(lambda ell, c: f"{ell} 0"), "positive")
        self.refuse_spectrum(self.changed(lambda ell, c: f"{ell} many"), "'many'", "line 61")
        self.refuse_spectrum(self.changed(lambda ell, c: f"{ell} {c} {c}"), "line 61", "columns")
        self.refuse_spectrum(self.changed(lambda ell, c: f"3.5 {c}"), "increase")
        self.refuse_spectrum(self.changed(lambda ell, c: f"{ell} {c}\n{ell} {c}"), "increase")

    def test_table(self):
        self.refuse_map("--spectrum", spectrum=None)
        self.refuse_map("no.txt", spectrum=self.here / "no.txt")
        self.refuse_map(self.here, spectrum=self.here)
        self.refuse_spectrum("", "row")
        self.refuse_spectrum("# ell C_ell\n", "row")
        self.refuse_spectrum("100\n200\n", "one column")
        self.refuse_spectrum("1000 1e-9\n20000 1e-10\n", "1000", "ell =")  # the grid begins at 300
        self.refuse_spectrum("2 1e-9\n3000 1e-10\n", "3000", "ell =")  # the grid ends at 15270
        three = "2 1e-9 1e-9\n200000 1e-10 1e-10\n"
        self.refuse_spectrum(three, "--spectrum-column")
        for column in (1, 4, "C_ell"):
            path = self.here / "three.txt"
            path.write_text(three)
            self.refuse_map("--spectrum-column", str(column), spectrum=path, spectrum_column=column)

    def test_layouts(self):
        rows = "2 1e-9 2e-9\n200000 1e-10 2e-10\n"
        for ranks in (1, 3):
            self.refuse_spectrum("# ell 11 12\n" + rows, "--spectrum-column", "11, 12", ranks=ranks)
        self.refuse_spectrum("# ell 11 12\n" + rows, "--spectrum-column 22", "11, 12", spectrum_column="22")
        self.refuse_spectrum("# ell 3 2\n" + rows, "name:2", "number:2", spectrum_column=2)
        self.refuse_spectrum("# L PxP W1xW1\n" + rows, "W1xW1", "--spectrum-kind dl")
        self.refuse_spectrum("# L PxP W1xW1\n" + rows, "'PxP'", "CMB", spectrum_column="PxP", spectrum_kind="dl")
        self.refuse_spectrum("# l(l+1)C_l/2pi\n" + rows, "--spectrum-kind cl", spectrum_column=2)
        self.refuse_map("--spectrum-kind", "power", "cl, dl", spectrum_kind="power")

    def test_cosmosis(self):
        folder = self.here / "shear_cl"
        folder.mkdir()
        self.refuse_map("shear_cl", "ell.txt", spectrum=folder)
        (folder / "ell.txt").write_text("# ell\n2\n200000\n")
        self.refuse_map("shear_cl", "bin_*.txt", spectrum=folder)
        for name in ("bin_1_1", "bin_2_1"):
            (folder / f"{name}.txt").write_text(f"# {name}\n1e-9\n1e-10\n")
        self.refuse_map("--spectrum-column", "bin_1_1, bin_2_1", spectrum=folder)
        self.refuse_map("--spectrum-column bin_2_2", spectrum=folder, spectrum_column="bin_2_2")
        (folder / "bin_2_1.txt").write_text("1e-9\n")
        self.refuse_map("bin_2_1.txt", "1 values", spectrum=folder, spectrum_column="bin_2_1")


class Options(RefusalTest):
    def test_out_of_range(self):
        for option, values in {"pixel_arcmin": (-1, 0, 1000), "padding": (0.5, 5), "tolerance": (2, 0),
                               "npix": (1.5, 0, 1, -8, "4,5,6", "8,", "2000000"), "samples": (-3, 2.5),
                               "center": ("400,100", "150", "0,91", "150,2,3"), "sigma_e": (-0.3, 0),
                               "smoothing_arcmin": (-1,), "max_iterations": (0,)}.items():
            for value in values:
                self.refuse_map(flag(option), str(value), **{option: value})

    def test_not_a_number(self):
        for option, value in {"seed": "x", "pixel_arcmin": "wide", "padding": "nan", "tolerance": "inf",
                              "npix": "few", "center": "here", "samples": "2x", "sigma_e": "1e"}.items():
            self.refuse_map(flag(option), f"'{value}'", **{option: value})
        self.refuse_simulate("--density", density="dense")
        self.refuse_simulate("--density", density=-1)
        self.refuse_simulate("--shift", shift=0)

    def test_choices(self):
        self.refuse_map("--methods", "magic", methods="ks,magic")
        self.refuse_map("--methods", methods="")
        self.refuse_map("--grid", "sphere", grid="sphere")
        self.refuse_map("--pixel-window", "maybe", pixel_window="maybe")
        self.refuse_simulate("--model", "flat", model="flat")
        self.refuse_simulate("round", mask="round")

    def test_windows(self):
        """Tile by tile with margins that make windows larger than what memory, or the spectrum, covers."""
        tile = dict(methods="wiener", wiener="tile", samples=0)
        self.refuse_map("--wiener-margin", "131120 x 131112", wiener_margin=65536, **tile)
        narrow = self.here / "narrow.txt"  # begins between the lowest ell of the windows, 90, and of the box, 225
        narrow.write_text("200 1e-8\n200000 1e-14\n")
        self.refuse_map("--wiener-margin", "240 x 232", "begins at 200", spectrum=narrow, **tile)

    def test_commands(self):
        for ranks in (1, 2, 3):
            self.refuse(["draw"], "'draw'", ranks=ranks)
        self.refuse([], "command")
        self.refuse_map("--speed", speed=3)
        self.refuse_map("--pixel", pixel=1)  # a beginning of --pixel-arcmin
        self.refuse(["map", "catalogue.fits"], "catalogue.fits")
        self.refuse(["map", "--out"], "--out")

    def test_missing(self):
        for option in ("out", "catalogue", "spectrum"):
            self.refuse_map(flag(option), **{option: None})
        for option in ("out_catalogue", "out_truth", "spectrum", "center", "npix"):
            self.refuse_simulate(flag(option), **{option: None})
        self.refuse(["export", self.truth, "--map", "kappa"], "--fits")
        self.refuse(["export", self.truth, "--fits", self.here / "x.fits"], "--map", outputs=[self.here / "x.fits"])
        self.refuse(["compare", "--maps", self.truth], "--truth")

    def test_config(self):
        path = self.here / "options.txt"
        self.refuse_map("options.txt", config=path)
        path.write_text("speed = 3\n")
        self.refuse_map("options.txt", "speed", config=path)
        path.write_text("samples: 3\n")
        self.refuse_map("options.txt", "samples: 3", config=path)
        path.write_text("tolerance = tight\n")
        self.refuse_map("--tolerance", "tight", config=path)
        self.refuse_map(self.here, config=self.here)

    def test_memory(self):
        for ranks in (1, 2):
            self.refuse_map("900000", "GB", ranks=ranks, npix=900000, padding=1)
        self.refuse_simulate("900000", "GB", npix=900000, padding=1)


class Maps(RefusalTest):
    def test_export(self):
        image = self.here / "image.fits"

        def refuse(source, name, *names, **options):
            self.refuse(["export", source, "--map", name, "--fits", image], *names, outputs=[image], **options)

        for ranks in (1, 3):
            refuse(self.truth, "kappa_wiener", "truth.h5", "kappa_wiener", "gamma2", ranks=ranks)
        refuse(self.truth, "/provenance/spectrum", "truth.h5", "/provenance/spectrum")
        refuse(self.catalogue, "kappa", "catalogue.h5")
        refuse(SPECTRUM, "kappa", SPECTRUM.name, "HDF5")
        refuse(self.here / "missing.h5", "kappa", "missing.h5")
        refuse(self.here, "kappa", self.here)
        self.refuse(["export", self.truth, "--map", "nothing", "--fits", image, "--overwrite"], "nothing",
                    outputs=[image], kept=OLD)
        image.write_bytes(OLD)
        self.refuse(["export", self.truth, "--map", "kappa", "--fits", image], "image.fits", "--overwrite",
                    outputs=[image], kept=OLD)

    def test_compare(self):
        maps = self.map("maps.h5", "--methods", "ks")
        _, other = self.simulate("other.h5", "other_truth.h5", field=["--center", CENTER, "--npix", "40,48",
                                                                      "--pixel-arcmin", "1"])
        for ranks in (1, 2):
            self.refuse(["compare", "--maps", maps, "--truth", other], "other_truth.h5", "different", ranks=ranks)
        self.refuse(["compare", "--maps", maps, "--truth", self.truth, "--names", "kappa_magic"], "kappa_magic")
        self.refuse(["compare", "--maps", maps, "--truth", self.truth, "--bands", "0"], "--bands")
        self.refuse(["compare", "--maps", self.truth, "--truth", self.truth], "truth.h5", "mask")
        self.refuse(["compare", "--maps", self.catalogue, "--truth", self.truth], "catalogue.h5")
        self.refuse_simulate("maps.h5", "--npix", npix="40,48", mask=maps)


class Output(RefusalTest):
    def test_place(self):
        self.refuse_map(self.here, out=self.here)
        self.refuse_map("/absent/", out=self.here / "absent/maps.h5")
        below_a_file = self.here / "file"
        below_a_file.write_bytes(OLD)
        self.refuse_map("/file/", out=below_a_file / "maps.h5")
        self.refuse_simulate("new.h5", "--out-truth", out_truth=self.here / "new.h5")
        self.refuse_simulate("new.h5", out_truth=f"{self.here}/./new.h5")  # the same file by another name

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_permission(self):
        locked = self.here / "locked"
        locked.mkdir(mode=0o555)
        self.refuse_map("/locked/", "ermission", out=locked / "maps.h5")

    def test_existing(self):
        for ranks in (1, 2, 3):
            self.refuse_map("maps.h5", "--overwrite", ranks=ranks, kept=OLD, overwrite=None)
        self.refuse_simulate("new.h5", "--overwrite", kept=OLD, overwrite=None)
        (self.here / "new_truth.h5").write_bytes(OLD)  # one of the two exists
        self.refuse(words("simulate", dict(center=CENTER, npix=8, spectrum=SPECTRUM, out_catalogue=self.here / "new.h5",
                                           out_truth=self.here / "new_truth.h5")), "new_truth.h5", "--overwrite",
                    outputs=[self.here / "new.h5"])
        self.assertEqual((self.here / "new_truth.h5").read_bytes(), OLD)

    def test_kept_when_the_run_fails(self):
        self.refuse_map("--tolerance", kept=OLD, tolerance=2)
        self.refuse_map("missing.fits", kept=OLD, catalogue=self.here / "missing.fits")
        self.refuse_map("galaxy", kept=OLD, center="40,-30")
        self.refuse_map("missing.txt", kept=OLD, spectrum=self.here / "missing.txt")
        self.refuse_simulate("missing.txt", kept=OLD, spectrum=self.here / "missing.txt")


class FullDisk(RefusalTest):
    """Disks that fill up, when opening, in the middle and at the end."""

    @staticmethod
    def limited(blocks):
        """A launch whose ranks may write files of at most `blocks` x 512 bytes. Set in the rank: mpirun needs files
        itself and gives ranks SIGXFSZ back; the two variables make Open MPI do without shared-memory files."""
        def launch(ranks, args, env, **options):
            rank = ["sh", "-c", f"trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"", "sh", TESSERA]
            env = env | {"OMPI_MCA_btl": "self,tcp", "PMIX_MCA_gds": "hash"}
            return run_words([MPIEXEC, "-n", ranks, *rank, *args], env=env, **options)
        return launch

    def test_file_size_limit(self):
        for blocks in (0, 100, 400):
            self.refuse_simulate("new.h5", launch=self.limited(blocks), kept=OLD)
        for blocks in (0, 100, 200):
            self.refuse_map("maps.h5", launch=self.limited(blocks), kept=OLD)
        image = self.here / "image.fits"
        for blocks in (0, 20):
            self.refuse(["export", self.truth, "--map", "kappa", "--fits", image, "--overwrite"], "image.fits",
                        outputs=[image], kept=OLD, launch=self.limited(blocks))

    def test_small_disk(self):
        """Outputs on a small file system of a private mount namespace, which is gone when its shell ends."""
        disk, listing = self.here / "disk", self.here / "listing"
        disk.mkdir()
        script = ('mount -t tmpfs -o "$0" tessera-test "$1" || exit 99; disk=$1 listing=$2; shift 2; '
                  '"$@"; code=$?; ls -A "$disk" >"$listing"; exit $code')

        def small(size):
            def launch(ranks, args, **options):
                shell = ["unshare", "-m", "sh", "-c", script, size, disk, listing]
                return run_words([*shell, MPIEXEC, "-n", ranks, TESSERA, *args], **options)
            return launch

        if small("size=1m")(1, ["--version"], env=QUICK).returncode != 0:
            self.skipTest("no private mounts here")

        def refuse(args, *names, size, ranks=2):
            self.refuse(args, *names, ranks=ranks, launch=small(size))
            with self.subTest(args=" ".join(map(str, args)), size=size):
                self.assertEqual(listing.read_text(), "", "files are left behind")

        mock = ["simulate", *FIELD, *SURVEY, *PRIOR, "--out-catalogue", disk / "new.h5", "--out-truth"]
        for size in (4, 300):
            refuse([*mock, disk / "truth.h5"], "new.h5", size=f"size={size}k")
        refuse([*mock, disk / "truth.h5"], "new.h5", size="size=300k", ranks=1)
        refuse([*mock, self.here / "truth.h5"], "new.h5", size="size=0,ro")
        self.assertFalse((self.here / "truth.h5.partial").exists())
        refuse([*mock, disk / "truth.h5"], "truth.h5", size="size=960k")  # room for the catalogue, not for both
        refuse(["map", "--catalogue", self.catalogue, *FIELD, *PRIOR, "--methods", "ks", "--out", disk / "maps.h5"], "maps.h5", "disk",
               size="size=150k")
        refuse(["export", self.truth, "--map", "kappa", "--fits", disk / "image.fits"], "image.fits", size="size=4k")


if __name__ == "__main__":
    main()
