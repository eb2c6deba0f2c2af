"""The version in use in, one small page for a browser out: what is live, on what evidence, a form with a real row."""

import json
import secrets
from html import escape
from typing import Any

from slipway.rounding import rounded
from slipway.serve.http.redaction import without_paths
from slipway.serve.live.version import Live
from slipway.serve.pages.evidence import evidence
from slipway.serve.pages.text import breakable
from slipway.serve.service import Service

ROUTES = ("/docs", "/health", "/model", "/model/features", "/data/sample", "/metrics")


def page(service: Service) -> tuple[str, str]:
    """The page, and the Content-Security-Policy that it is to be sent with: its own script runs and no other."""
    state = service.live.state
    name = escape(service.project.name)
    if state.live is None:
        body = f"<p class=warn>{escape(service.reason_for_none)}</p>"
    else:
        refused = without_paths(state.refused or "", service.settings.root)
        warning = f"<p class=warn>{escape(refused)}</p>" if refused else ""
        body = warning + _facts(state.live) + _form(state.live) + evidence(service, state.live)
    links = " ".join(f'<a href="{path}">{path}</a>' for path in ROUTES)
    return _document(name, f"<header><h1>{name}</h1>{_badge(state.live)}</header>{body}<nav>{links}</nav>")


def door() -> tuple[str, str]:
    """What a browser without a token is shown: a field for one, with which it fetches the page."""
    return _document("Token", _DOOR)


def page_headers(policy: str) -> list[tuple[bytes, bytes]]:
    """What the page is sent with beside its type."""
    return [(b"content-security-policy", policy.encode()), (b"cache-control", b"no-store")]


def _document(title: str, body: str) -> tuple[str, str]:
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<link rel=icon href='data:,'><title>{title}</title><style>{_STYLE}</style>"
        f"<main>{body}</main><script nonce={nonce}>{_SCRIPT}</script></html>"
    ), policy


def _badge(live: Live | None) -> str:
    return f"<b class=live>version {live.version} is live</b>" if live else "<b class=none>nothing is live</b>"


def _facts(live: Live) -> str:
    manifest, released = live.scorer.bundle.manifest, live.released
    since = escape(released.at.replace("T", " ")[:16])
    why = f" · {escape(released.why)}" if released.why else ""
    figures = "".join(
        f"<div><dt>{escape(name.replace('_', ' '))}</dt><dd title='{value}'>{rounded(value)}</dd></div>"
        for name, value in manifest.reported.items()
    )
    return (
        f"<p>Predicts <code>{breakable(manifest.target)}</code> ({escape(manifest.kind)}). Since "
        f"<time>{since} UTC</time>, by "
        f"{escape(released.by)}{why}</p><dl>{figures}</dl>"
    )


def _form(live: Live) -> str:
    bundle = live.scorer.bundle
    sample = next(iter(live.sample), {})
    fields = "".join(
        _field(column.name, column.types, column.nullable, sample.get(column.name)) for column in bundle.schema.columns
    )
    # Asked in the standard form, since /predict may have the project's own.
    return (
        f"<form id=ask><h2>Ask it</h2><div class=fields>{fields}</div><button>Predict</button>"
        "<output id=answer aria-live=polite></output></form>"
    )


def _field(name: str, types: tuple[str, ...], nullable: bool, value: Any) -> str:
    shown = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    hint = " or ".join(types) + (", may be empty" if nullable else "")
    return (
        f'<label><span>{breakable(name)}</span><input name="{escape(name)}" value="{escape(str(shown))}" '
        f'data-types="{escape(" ".join(types))}" data-nullable="{int(nullable)}" title="{escape(hint)}"></label>'
    )


_DOOR = (
    "<h1>This service asks for a token</h1><form id=door><label><span>Token</span><input type=password "
    "autocomplete=off spellcheck=false placeholder='slw_…' title='Sent with what you ask here, and kept nowhere'>"
    "</label><button>Open</button><output aria-live=polite></output></form>"
)
_STYLE = """
:root{color-scheme:light dark;--ink:#14202b;--soft:#5b6b7a;--paper:#f6f8fa;--card:#fff;--line:#dde4ea;--sea:#0b6e8f;
--ok:#15703f;--bad:#a3341f}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#93a4b3;--paper:#0d1419;--card:#141d25;--line:#26333e;
--sea:#5cc0de;--ok:#5fce93;--bad:#f08a74}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}main{max-width:52rem;margin:0 auto;padding:2.5rem 1.25rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline}
h1{margin:0;font-size:2rem;letter-spacing:-.02em;
overflow-wrap:anywhere}h2{margin:0 0 .75rem;font-size:1.1rem}.live{color:var(--ok)}.none,.warn{color:var(--bad)}
dl{display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0}dl div,form{background:var(--card);border:1px solid var(--line);
border-radius:.6rem;padding:.6rem 1rem}time{white-space:nowrap}dt{color:var(--soft);font-size:.85rem}
dd{margin:0;font-size:1.3rem;font-variant-numeric:tabular-nums}form{padding:1.25rem}.fields{display:flex;flex-wrap:wrap;
gap:.75rem;align-items:end}.fields label{flex:1 1 11rem}
label span{display:block;color:var(--soft);font-size:.85rem;
overflow-wrap:anywhere}input{width:100%;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);
border-radius:.4rem;padding:.35rem .6rem}button{font:inherit;font-weight:600;color:var(--card);background:var(--sea);
border:0;border-radius:.4rem;padding:.5rem 1.25rem;margin-top:1rem;cursor:pointer}:focus-visible{outline:2px solid
var(--sea);outline-offset:2px}output{display:block;white-space:pre-wrap;overflow-wrap:anywhere}output:not(:empty){
margin-top:1rem}output strong{display:block;font-size:1.5rem;color:var(--sea)}output small{margin-top:.5rem}
nav{display:flex;flex-wrap:wrap;
gap:.5rem 1rem;margin-top:1.5rem}a{color:var(--sea)}section{background:var(--card);border:1px solid var(--line);
border-radius:.6rem;padding:1.25rem;margin-top:1rem;overflow-x:auto}table{border-collapse:collapse;width:100%;
font-size:.9rem}th{text-align:left;font-weight:500}thead th,small,.cannot,.drift td{color:var(--soft)}td,th{
padding:.35rem 1rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
td:last-child,th:last-child{padding-right:0;text-align:right;white-space:nowrap}tbody tr:last-child>*{border:0}
small{display:block}.drift td{font-variant-numeric:tabular-nums}.passed{color:var(--ok)}section p{margin:0 0 .5rem}
.failed,.alarm,.retrain,.drift td:last-child{color:var(--bad)}
.figure{white-space:nowrap}@media(min-width:40.01rem){.gate th{overflow-wrap:break-word}}
@media(max-width:40rem){main{padding:1.5rem 1rem}section,form{padding:1rem}thead{display:none}tbody tr{display:grid;
grid-template-columns:1fr auto;gap:0 1rem;padding:.5rem 0;border-bottom:1px solid var(--line)}tbody tr:last-child{
border:0;padding-bottom:0}tr>*{border:0;padding:0}td:last-child{grid-area:1/2}.gate td:not(:last-child){
grid-column:1/3;color:var(--soft)}.gate td:nth-child(2)::before{content:'asked: '}
.gate td:nth-child(3){color:var(--ink)}.drift td:nth-child(3){text-align:right}
.drift td:nth-child(3)::before{content:'above '}}
"""

_SCRIPT = """
let token='';
function asked(more){return token?{...more,Authorization:'Bearer '+token}:more}
function value(input){const text=input.value,types=input.dataset.types.split(' ');
if(text===''&&input.dataset.nullable==='1')return null;
if((types.includes('number')||types.includes('integer'))&&text.trim()!==''&&isFinite(text)&&
!(types.includes('text')&&String(Number(text))!==text))return Number(text);
if(types.includes('boolean')&&(text==='true'||text==='false'))return text==='true';return text}
function rounded(value){if(typeof value!=='number'||Number.isInteger(value))return String(value);
const size=Math.abs(value);return size>0&&size<.001?value.toPrecision(2):
value.toLocaleString('en',size>=1000?{maximumFractionDigits:0}:{maximumSignificantDigits:4})}
async function reason(reply){const told=await reply.json();return typeof told.detail==='string'?told.detail:
told.detail.map(d=>d.message).join('\\n')}
async function enter(form){token=form.querySelector('input').value.trim();
const reply=await fetch('./',{headers:asked({Accept:'text/html'})}),answer=form.querySelector('output');
if(!reply.ok){answer.textContent=await reason(reply);token='';return}
const shown=new DOMParser().parseFromString(await reply.text(),'text/html');
if(shown.getElementById('door')){answer.textContent='Type a token.';return}
document.title=shown.title;document.querySelector('main').replaceWith(shown.querySelector('main'))}
async function predict(form){const row={},answer=form.querySelector('output');
for(const input of form.querySelectorAll('input'))row[input.name]=value(input);
answer.textContent='…';
const reply=await fetch('predict?form=standard',{method:'POST',headers:asked({'Content-Type':'application/json'}),
body:JSON.stringify(row)});
if(!reply.ok){answer.textContent=await reason(reply);return}
const told=await reply.json();answer.textContent='';
const add=(tag,text)=>{const made=document.createElement(tag);made.textContent=text;answer.append(made);return made};
add('strong',rounded(told.prediction)).title=String(told.prediction);
const shares=Object.entries(told.probabilities||{}).sort((a,b)=>b[1]-a[1]).slice(0,8);
answer.append(shares.map(([label,share])=>label+'  '+(100*share).toFixed(1)+' %').join('\\n'));
add('small','Prediction id '+told.id+', by which its truth is told later')}
document.addEventListener('submit',async event=>{event.preventDefault();const form=event.target;
try{await(form.id==='door'?enter(form):predict(form))}
catch(error){form.querySelector('output').textContent='No answer: '+error.message}});
"""
