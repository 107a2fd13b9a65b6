"""A private certificate authority, made with the openssl command."""
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    file: Path
    key: Path


class Authority:
    def __init__(self, folder, name="tests"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        own = Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        self._request(own, name, "-x509", "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE")
        self.file, self._own = own.file, own

    def issue(self, name, *names):
        """A certificate for a server or client; `names` are alternative ones: "DNS:localhost", "IP:127.0.0.1"."""
        made = Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={','.join(names or [f'DNS:{name}'])}\n")
        self._request(Certificate(request, made.key), name)
        self._openssl("x509", "-req", "-in", request, "-CA", self._own.file, "-CAkey", self._own.key, "-CAcreateserial", "-days", "2",
                      "-extfile", extensions, "-out", made.file)
        for path in (made.file, made.key):        # the servers of the tests have users of their own
            path.chmod(0o644)
        return made

    def _request(self, target, name, *options):
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", target.key, "-out", target.file, *options)

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL, capture_output=True)
