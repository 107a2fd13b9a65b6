"""What test_tables.py asks both programs: tables, keys, sources with mistakes."""
from dataclasses import dataclass, field


@dataclass
class Lookup:
    name: str
    spec: str
    keys: list
    files: dict = field(default_factory=dict)
    build: list = field(default_factory=list)
    options: list = field(default_factory=list)


@dataclass
class Rules:
    kinds: tuple
    text: str
    keys: list


_MAP = """# comment
User@Example.com   value one
\x20\x20continued

key2 v2 # not a comment
"quoted local"@x.test  v3
bad: alias style
b\\ ackslash v4
É utf
.example.com  subdomains
@example.com  other@example.net
192.0.2  network
user+ext@example.com  extended
a
  b
"""

_MAP_KEYS = ["user@example.com", "USER@EXAMPLE.COM", "User@Example.Com", "key2", "KEY2", "key", "key22", '"quoted local"@x.test',
             "quoted local@x.test", "bad:", "bad", "b\\ ackslash", "b\\", "é", "É", "e", ".example.com", "example.com",
             "@example.com", "@EXAMPLE.com", "192.0.2", "192.0.2.1", "user+ext@example.com", "user", "a", "b", "#", "# comment",
             " key2", "key2 ", "value", "x" * 300, "x" * 10000]

_REGEXP = """# comment
/^a(.*)/ hit $1
  continued $1
if /^f/
/foo/ FOO
if !/fx/
/./ not fx
endif
endif
!/z$/ notz
/^(.)(.)(.)z$/ $3${2}$(1)
/CASE/i exact
/[[:digit:]]+/ number
/^$/ empty
/dollar/ a $$ b
/tab\tz/ tab
"quote"  q
,comma,  c
/slash\\/z/ s
/end$/ e
/(x)?z/ <$1>
"""

_PATTERN_KEYS = ["abc", "Abc", "ABC", "a", "f", "foo", "FOO", "fx", "fxfoo", "fzz", "hh", "zzz", "123z", "12z", "1234z", "CASEz",
                 "casez", "9z", "dollarz", "dollar", "tab\tz", "quotez", "commaz", ",comma,z", "slash/z", "endz", "end", "xz", "yz",
                 "é", "éz", "É", "user@example.com", "user@example.comz", "z", " z", "zz", "q" * 5000, "q" * 5000 + "z"]

_PCRE = _REGEXP + """/^(?!no)neg(.*)z/ neg $1
/(?<name>w+)z/ $1
/\\bword\\b.*z/ word
/a.c/sz never
/DOT.ALLz/ s
/^ x y z $/x spaced
/lazy.+?z/U lazy
/anchoredz/A anchored
/(?i)inlineZ/ inline
/\\d{3}z/ digits
"""

_PCRE_KEYS = _PATTERN_KEYS + ["negativez", "nonegz", "wwwz", "a word z", "dot\tallz", "xyz", "lazyzzz", "anchoredz", "not anchoredz",
                              "INLINEz", "inlinez"]

_CIDR = """192.0.2.1 host
192.0.2.0/24 net
!10.0.0.0/8 not ten
if 10.0.0.0/8
10.1.0.0/16 ten one
if !10.2.0.0/16
10.3.3.3 ten three
!10.3.0.0/16 inner
endif
endif
2001:db8::1 six host
2001:db8::/32 six net
[2001:db9::]/32 brackets
[::1] loop
0.0.0.0/0 any
::/0 any six
"""

_CIDR_KEYS = ["192.0.2.1", "192.0.2.2", "192.0.3.1", "10.0.0.1", "10.1.2.3", "10.2.0.1", "10.3.3.3", "10.3.4.4", "10.4.4.4",
              "2001:db8::1", "2001:db8::2", "2001:0db8:0:0::1", "2001:DB8::1", "2001:db9::9", "::1", "::", "::ffff:192.0.2.1",
              "0.0.0.0", "255.255.255.255", "1.2.3", "1.2.3.4.5", "[192.0.2.1]", "192.0.2.01", "192.0.2.1 ", " 192.0.2.1", "example.com",
              "localhost", "192.0.2.1/32", "fe80::1%lo", "1", "", "192.0.2.256", "2001:db8:::1"]

_INLINE = "inline:{a=b, {c = d e}, {F=G h}, {é=ü}, x=y=z, {sp = }, k=v}"
_UNION = "unionmap:{inline:{a=1,b=2},static:s,texthash:t}"
_PIPE = "pipemap:{inline:{a=b,c=d,e=f},inline:{b=B,d=D}}"


def _file_lookups():
    for kind in ("hash", "btree", "lmdb", "cdb", "texthash"):
        build = [] if kind == "texthash" else [f"{kind}:t"]
        yield Lookup(kind, f"{kind}:t", _MAP_KEYS, {"t": _MAP}, build)
        yield Lookup(f"{kind} without folding", f"{kind}:t", _MAP_KEYS[:12], {"t": _MAP}, build, ["-f"])
        yield Lookup(f"{kind} without UTF-8", f"{kind}:t", _MAP_KEYS[:16], {"t": _MAP}, build, ["-u"])


LOOKUPS = [
    *_file_lookups(),
    Lookup("regexp", "regexp:r", _PATTERN_KEYS, {"r": _REGEXP}),
    Lookup("pcre", "pcre:r", _PCRE_KEYS, {"r": _PCRE}),
    Lookup("cidr", "cidr:c", _CIDR_KEYS, {"c": _CIDR}),
    Lookup("inline", _INLINE.replace(", {sp = }", ""), ["a", "A", "b", "c", "C", "f", "F", "é", "É", "x", "k", "K", "d e", "="]),
    Lookup("static", "static:{one value}", ["a", "A", "é", "x y", "user@example.com"]),
    Lookup("unionmap", _UNION, ["a", "b", "c", "key2", "user@example.com", "A", "B"], {"t": _MAP}),
    Lookup("unionmap of nothing", "unionmap:{inline:{a=1},inline:{b=2}}", ["a", "b", "c", "A"]),
    Lookup("pipemap", _PIPE, ["a", "c", "e", "b", "d", "A", "x"]),
    Lookup("pipemap to patterns", "pipemap:{inline:{a=abc},regexp:r}", ["a", "b", "A"], {"r": _REGEXP}),
    Lookup("environ", "environ:x", ["TABLE_CASE", "table_case", "PATH", "NOTHING_HERE"], {}, [], ["-f"]),
    Lookup("passwd", "unix:passwd.byname", ["root", "ROOT", "daemon", "nobody", "no such user", "0"]),
    Lookup("group", "unix:group.byname", ["root", "daemon", "no such group"]),
    Lookup("randmap", "randmap:{only}", ["a", "b", "é"]),
    Lookup("rules in the name", "regexp:{ {/a(.)/ got $1} {/b/ B} }", ["ab", "ac", "b", "c", "AB"]),
    Lookup("pcre rules in the name", "pcre:{ {/a(.)/ got $1} {/b/ B} }", ["ab", "ac", "b", "c", "AB"]),
    Lookup("cidr rules in the name", "cidr:{ {192.0.2.0/24 net} {!10.0.0.0/8 not ten} }", ["192.0.2.9", "10.1.1.1", "11.0.0.1", "::1"]),
]

MAP_SOURCES = {
    "plain": _MAP,
    "mistakes": _MAP + """User@example.COM dup
novalue
"unbal v
"" emptyq
   leading cont
key3 "v v"
last  spaced   out   value   \n""",
    "bytes that are not UTF-8": "a b\nk\udce9y val\nkey4 v\udce9l\né ü\n",
    "leading space": "   lead x\n a b\nc d\n",
    "a long first line that begins with space": " " * 12 + "y" * 80 + " z\nc d\n",
    "continuations": "a one\n  two\n\n# c\n   three\n \nb x\n\ty\n",
    "carriage returns": "a b\r\nc d\r\n",
    "no newline at the end": "a b\nc d",
    "long values": "a " + "v" * 20000 + "\nb " + "w " * 3000 + "\n",
    "many duplicates": "".join(f"k{i % 7} v{i}\n" for i in range(40)),
    "alias style": "root: postmaster\npostmaster: x\n",
    "one entry": "only one\n",
    "nothing": "# nothing\n",
    "quotes": '"a b" 1\n"a\\"b" 2\na"b c"d 3\n\\"e 4\nf\\ g 5\n',
}
_BAD_RULES = """/^a(.*)/ hit $1
/b[/ bad
/c/q bad flag
/d/
/e(x)/ use $2
!/y(.)/ noty $1
no delimiter
/unterminated
if /k/ junk
endif
/dollar/ a $$ b $(0) ${0} $0
/dol2/ a $x
/dol3/ a $
/dol4/ a ${1
/dol5/ a $(1
/dol6(.)/ $1a
/dol7(.)/ $12
/dol8(.)/ ${1?x}
/dol9/ $-
endif
if
if !
if abc
IFX
!
/z/ last
"""

RULE_SOURCES = {
    "bad rules": Rules(("regexp", "pcre"), _BAD_RULES, ["abc", "b[", "c", "d", "ex", "yx", "dollar", "dol2", "z", "dol6z"]),
    "if without endif": Rules(("regexp", "pcre"), "if /a/\n/b/ x\nif /c/\n/d/ y\n", ["ab", "acd", "cd", "b"]),
    "endif without if": Rules(("regexp", "pcre"), "endif\n/a/ x\nendif foo\n", ["a", "b"]),
    "white space": Rules(("regexp", "pcre"), "  /a/ x\n/b/ y\n\n  z\n# c\n  w\n/c/\tt  t \n", ["a", "b", "c"]),
    "indented rules": Rules(("regexp", "pcre"), "if /a/\n  /a/ b\n/c/ d\nendif\n", ["a", "c", "ac"]),
    "flags": Rules(("regexp",), "/A/i a\n/B/ii b\n/^c/m c\n/d+/x d\n/e/ixm e\n", ["a", "A", "b", "B", "c", "x", "d+", "dd", "E"]),
    "pcre flags": Rules(("pcre",), "/A/i a\n/B/ii b\n/^c/m c\n/d d/x d\n/e/A e\n/f/X f\n/(g+)/U [$1]\n/h$/E h\n",
                        ["a", "A", "b", "B", "c", "dd", "d d", "xe", "e", "f", "ggg", "h"]),
    "delimiters": Rules(("regexp", "pcre"), "@a@ 1\n\"b\" 2\n{c} 3\n<d> 4\n,e, 5\n#f# 6\n'g' 7\n/h\\/h/ 8\n/i\\\\/ 9\n",
                        ["a", "b", "c", "d", "e", "f", "g", "h/h", "i\\"]),
    "negations": Rules(("regexp", "pcre"), "!!/a/ 1\n! /b/ 2\n!/c/ 3\n", ["a", "b", "c", "d"]),
    "bad patterns": Rules(("regexp", "pcre"), "/(a/ 1\n/a)/ 2\n/[[:foo:]]/ 3\n/a{2,1}/ 4\n/ok/ 5\n", ["a", "(a", "ok"]),
    "bad networks": Rules(("cidr",), """1.2.3.4 one
1.2.3.0/24	net
1.2.3.1/24 badbits
1.2.3.0/33 badlen
1.2.3 short
x y
5.6.7.8
5.6.7
5.6.7.1/24
!
!5.6.7.9
!5.6
!9.0.0.0/8 not nine
if junk
[::1] loop
2001:db8::1/32 six
endif
endif x
1.2.3.4/ a
1.2.3.4/-1 a
010.0.0.1 oct
1.2.3.4/08 z
[1.2.3.4 open
[1.2.3.4]x garbage
! 3.3.3.3 spaced
if ! 4.4.4.4
5.5.5.5 five
""", ["1.2.3.4", "1.2.3.9", "9.1.1.1", "8.1.1.1", "::1", "2001:db8::5", "3.3.3.3", "4.4.4.4", "5.5.5.5"]),
    "indented networks": Rules(("cidr",), "  1.2.3.4 x\n 1.2.3 4\n5.5.5.5 y\n  z\nif 1.2.3.4\n  5.5.5.5 x\nendif\n",
                               ["1.2.3.4", "5.5.5.5"]),
}

OPENINGS = [
    "regexp:/nonexistent", "pcre:/nonexistent", "cidr:/nonexistent", "texthash:/nonexistent", "hash:/nonexistent",
    "btree:/nonexistent", "lmdb:/nonexistent", "cdb:/nonexistent", "mysql:/nonexistent", "pgsql:/nonexistent",
    "sqlite:/nonexistent", "ldap:/nonexistent", "memcache:/nonexistent", "inline:x", "inline:{a}", "inline:{a=}",
    "inline:{a=b", "inline:{a=b}x", "inline:{}", "inline:{ {a} }", "inline:{ a = b }", "inline:{a=b,}", "inline: {a=b}",
    "static:", "static:{a b}", "static:{a b", "static:{ }", "static: x", "static:file:x", "randmap:", "randmap:{a",
    "randmap:{}", "randmap:{ {a b} }", "unionmap:{a}", "unionmap:{static:one,static:two}", "unionmap:{}",
    "unionmap:{static:y,fail:x}", "unionmap:{fail:x,static:y}", "unionmap:{hash:/nonexistent}", "unionmap: {static:y}",
    "unionmap:{static:{a,b c},static:d}", "pipemap:{}", "pipemap:{static:one,inline:{one=two}}",
    "pipemap:{inline:{b=c},fail:x}", "pipemap:{inline:{a=c},fail:x}", "fail:x", "environ:x", "unix:foo", "foo:bar", "sdbm:x", "dbm:/x",
    "regexp:{ {/a/ b} {/c/ d}}", "regexp:{ /a/ b}", "regexp:{ {/a/ b} x}", "regexp:{ {/a/ b} }y", "regexp:{ }",
    "pcre:{ {/a/ b", "pcre:{{/a/}}", "regexp:{", "cidr:{{1.1.1.1 x}},", "socketmap:x", "bare",
]

ALIASES = {
    "worked example": """Root: postmaster, "|/bin/cmd arg"
postmaster: /var/mail/x,
  joe@example.com
"Quoted Name": :include:/etc/list
empty:
dom@x: y
""",
    "forms": """a b: c
"x@y": z
p%q: r
comma,list: z
(comment) foo (c2): bar (c3) baz
semi: a; b
grp: team: x, y;;
bar: "|cmd 'a b' \\"c\\" \\\\d"
noquote: |/bin/cmd -a -b
path: /a b/c
inc: :include:/x/y, :include: /z
UPPER: UpCase@Example.COM
dup: a
dup: b
: novalue
nocolon
"unterm: x
trail: a,, b ,
angle: <a@b>, Joe <joe@x>
route: <@a,@b:c@d>
esc\\@aped: q
"a\\"b": q2
é: ü
tabs:	a	b
lit: user@[1.2.3.4]
par: a(b)c
long: a
	,b
	,c
null: ""
null2: <>
backsl: \\root, \\\\root
colonkey:x
""",
    "tokens": """a: "abc"
b: a"b"c
c: \\@x
d: a\\ b
e: "a" "b"
f: "a"@x
g: a @ x . y
i: x y   z
k: a:b
m: (c) a (d)
n: (a (nested) b) z
q: x]y
s: a\\
x: /file, |cmd, "|cmd2 x,y", user
y: a<b>c
dd: [a b]
ff: a,"b",c
gg: a="b c"
(c)d: y
e . g: z
[x]: y
k,l
""",
}
