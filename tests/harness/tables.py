"""Questions to lookup tables with the suite's own postmap."""


class Tables:
    """Table files in the configuration directory of an instance."""

    def __init__(self, mta):
        self.mta = mta

    def file(self, name, kind, **settings):
        """The settings of a client (mysql_table(5) and its kin); returns TYPE:PATH."""
        path = self.mta.config / name
        path.write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
        return f"{kind}:{path}"

    def ask(self, spec, *keys, options=(), timeout=60):
        """Status, answers by key, complaints."""
        text = "\n".join(keys).encode() + b"\n"
        done = self.mta.run("postmap", *options, "-q", "-", spec, input=text, check=False, timeout=timeout)
        lines = done.stdout.splitlines()
        complaints = [line for line in lines if line.startswith("postmap: ")]
        answers = dict(line.split("\t", 1) for line in lines if "\t" in line and not line.startswith("postmap: "))
        return done.returncode, answers, complaints

    def ask_one(self, spec, key):
        """Status and output for one key, which may have any bytes but NUL."""
        done = self.mta.run("postmap", "-q", key, spec, check=False)
        return done.returncode, done.stdout

    def fails(self, spec, key, *texts):
        """The lookup is an error, told in these words, and neither an answer nor "not found"."""
        status, answers, complaints = self.ask(spec, key)
        assert (status, answers) == (1, {}), (status, answers, complaints)
        for text in texts:
            assert any(text in line for line in complaints), complaints
