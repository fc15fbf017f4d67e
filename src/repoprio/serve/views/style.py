"""The one style sheet of the pages for people, and the policy that lets a browser use it and nothing else. Pure."""

from __future__ import annotations

import base64
import hashlib

SHEET = """
:root {
  color-scheme: light dark;
  --ground: #fff; --raised: #f6f8fa; --text: #1f2328; --quiet: #59636e; --line: #d1d9e0; --link: #0969da;
  --good: #1a7f37; --bad: #cf222e; --warning: #9a6700;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1117; --raised: #161b22; --text: #e6edf3; --quiet: #9198a1; --line: #3d444d; --link: #58a6ff;
    --good: #56d364; --bad: #ff7b72; --warning: #e3b341;
  }
}
* { box-sizing: border-box; }
body {
  background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 50rem; overflow-wrap: anywhere; padding: 1rem;
}
a { color: var(--link); }
p, ul, ol, dl, dd { margin: 0; padding: 0; }
ul, ol { list-style: none; }
header { align-items: center; display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; }
header a { color: inherit; font-weight: 700; text-decoration: none; }
form { display: flex; flex: 1 1 16rem; gap: .5rem; }
input, button {
  background: var(--ground); border: 1px solid var(--line); border-radius: .4rem; color: inherit; font: inherit;
  padding: .4rem .75rem;
}
input { flex: 1; min-width: 0; }
button { background: var(--raised); cursor: pointer; font-weight: 600; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 1.75rem 0 .75rem; }
h2 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0; }
code { font: .875em/1.5 ui-monospace, monospace; }
.verdict { border-left: .3rem solid var(--bad); padding: .1rem 0 .1rem .9rem; }
.verdict.served { border-color: var(--good); }
.verdict p { font-size: 1.05rem; }
.verdict .more { color: var(--quiet); font-size: .9rem; }
.hint { background: var(--raised); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .9rem; }
.tiers > li { display: grid; gap: 0 1rem; grid-template-columns: 5.5rem 1fr; margin: .6rem 0; }
.tier { color: var(--quiet); font-size: .875rem; padding-top: .7rem; }
.repository { border: 1px solid var(--line); border-radius: .4rem; margin-bottom: .5rem; padding: .6rem .9rem; }
.repository.served { border-color: var(--good); box-shadow: inset .3rem 0 var(--good); }
.repository.unavailable { border-color: var(--bad); box-shadow: inset .3rem 0 var(--bad); }
.repository.shadowed { border-color: var(--warning); box-shadow: inset .3rem 0 var(--warning); }
.repository.quiet { background: var(--raised); color: var(--quiet); }
.head { align-items: baseline; display: flex; flex-wrap: wrap; gap: 0 .75rem; }
.state { color: var(--quiet); font-size: .875rem; font-weight: 600; }
.served .state { color: var(--good); }
.unavailable .state { color: var(--bad); }
.shadowed .state { color: var(--warning); }
dl { display: grid; font-size: .9rem; gap: .15rem 1rem; grid-template-columns: max-content 1fr; margin-top: .4rem; }
dt { color: var(--quiet); }
.rules li { border-top: 1px solid var(--line); padding: .4rem 0; }
.rules span { color: var(--quiet); display: block; font-size: .875rem; }
footer {
  border-top: 1px solid var(--line); color: var(--quiet); font-size: .875rem; margin-top: 2rem; padding-top: .75rem;
}
@media (max-width: 34rem) {
  .tiers > li { display: block; }
  .tier { padding: 0 0 .2rem; }
  dl { display: block; }
  dt { margin-top: .3rem; }
}
"""
_DIGEST = base64.b64encode(hashlib.sha256(SHEET.encode()).digest()).decode()
# The style sheet, the form to this site, and nothing else.
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
