"""Configuration of users' documents: kept in scenarios/documents/NUMBER as its authors published it, read with the
names, directories and ports of a test in place of theirs."""
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "scenarios" / "documents"

# Tables that documents name and leave to their readers.
ACCESS_TABLES = {
    "access_recipient-rfc": ("btree", "postmaster@ OK\nabuse@ OK\n"),
    "access_client": ("cidr", "127.0.0.66 REJECT no mail from there\n"),
    "access_helo": ("btree", "liar.test REJECT we know who you are not\n"),
    "access_sender": ("btree", "spammer@client.test REJECT\n"),
    "access_recipient": ("btree", "closed@nausch.org 550 this mailbox is closed\n"),
}

# Questions about the outside world that the documents' restrictions ask.
BLOCKLISTS = """
2.0.0.127.zen.spamhaus.org. 60 A 127.0.0.4
2.0.0.127.zen.spamhaus.org. 60 TXT "listed by zen"
3.0.0.127.in-addr.arpa. 60 PTR mail.spam.test.
mail.spam.test. 60 A 127.0.0.3
mail.spam.test.multi.uribl.com. 60 A 127.0.0.2
mail.spam.test.multi.uribl.com. 60 TXT "listed by uribl"
client.test. 60 A 127.0.0.45
"""


class Document:
    def __init__(self, number, mta, replacements):
        self.folder = FOLDER / number
        self.mta = mta
        self.replacements = {"/etc/postfix": str(mta.config), **replacements}

    def text(self, name):
        text = (self.folder / name).read_text()
        for theirs, ours in self.replacements.items():
            text = text.replace(theirs, ours)
        return text

    def main(self, *names):
        """Puts the texts into main.cf, one after the other; a later one wins, as in a file that somebody extended."""
        self.mta.main_text = "".join(self.text(name) + "\n" for name in names)
        self.mta.write()

    def install(self, *names):
        for name in names:
            (self.mta.config / name).write_text(self.text(name))

    def tables(self, kind, *names):
        """The tables, built with the command that the document names."""
        self.install(*names)
        for name in names:
            self.mta.run("postmap", f"{kind}:{self.mta.config / name}")

    def access_tables(self):
        for name, (kind, text) in ACCESS_TABLES.items():
            self.mta.table(name, text, kind)


def stranger(mta, source="127.0.0.45", helo="ich", esmtp=False):
    """A client outside of mynetworks that has greeted."""
    peer = mta.peer(greet=False, source=(source, 0))
    peer.expect(220)
    peer.command(f"{'EHLO' if esmtp else 'HELO'} {helo}", 250)
    return peer


def ask(peer, recipient, sender="swat@nausch.org"):
    return peer.ask(recipient, sender)
