"""One page for a browser out that shows /openapi.json and lets a person try it: nothing in it comes from elsewhere."""

import base64
import hashlib


def docs_page() -> tuple[str, str]:
    """The page, and the Content-Security-Policy that it is to be sent with.

    The page is the same for every project and caller: what it shows it asks for, with a token where one is needed. The
    policy names the script by its hash, so that it runs and no other.
    """
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<link rel=icon href='data:,'><title>API</title><style>{_STYLE}</style><main>"
        "<header><h1 id=title>API</h1><b id=version></b></header>"
        "<form id=ask><label>Token <input id=token type=password autocomplete=off spellcheck=false "
        "placeholder='only where the service asks for one'></label><button>Use it</button></form>"
        "<p id=note role=status>…</p><div id=routes></div>"
        "<nav><a href='./'>the service</a> <a href='openapi.json'>openapi.json</a></nav></main>"
        f"<script>{_SCRIPT}</script></html>"
    ), policy


_STYLE = """
:root{color-scheme:light dark;--ink:#14202b;--soft:#5b6b7a;--paper:#f6f8fa;--card:#fff;--line:#dde4ea;--sea:#0b6e8f;
--ok:#15703f;--bad:#a3341f}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#93a4b3;--paper:#0d1419;--card:#141d25;--line:#26333e;
--sea:#5cc0de;--ok:#5fce93;--bad:#f08a74}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:56rem;margin:0 auto;padding:2.5rem 1.25rem}header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;
align-items:baseline}h1{margin:0;font-size:2rem;letter-spacing:-.02em;overflow-wrap:anywhere}#version{color:var(--soft)}
#note{color:var(--soft)}#note.bad,.bad{color:var(--bad)}#note:empty{display:none}.ok{color:var(--ok)}
#ask{display:flex;flex-wrap:wrap;gap:.5rem;align-items:end;margin:1rem 0}#ask label{flex:1 1 16rem}
details{background:var(--card);border:1px solid var(--line);border-radius:.6rem;margin:.6rem 0}
summary{cursor:pointer;padding:.6rem 1rem;display:flex;flex-wrap:wrap;gap:0 .75rem;align-items:baseline}
summary b{color:var(--sea);min-width:3rem}summary code{font-weight:600;overflow-wrap:anywhere}
summary span{color:var(--soft)}.in{padding:0 1rem 1rem}h2{font-size:.85rem;color:var(--soft);margin:1rem 0 .25rem;
font-weight:600}pre,textarea{font:13px/1.5 ui-monospace,monospace;background:var(--paper);border:1px solid var(--line);
border-radius:.4rem;padding:.6rem;margin:0;width:100%;overflow:auto;color:inherit}pre{max-height:24rem;
white-space:pre-wrap;overflow-wrap:anywhere}textarea{min-height:9rem;resize:vertical}label{color:var(--soft);
font-size:.85rem;display:block}input{width:100%;font:inherit;color:var(--ink);background:var(--card);
border:1px solid var(--line);border-radius:.4rem;padding:.35rem .6rem}button{font:inherit;font-weight:600;
color:var(--card);background:var(--sea);border:0;border-radius:.4rem;padding:.4rem 1.1rem;cursor:pointer}
.in button{margin:.75rem 0}:focus-visible{outline:2px solid var(--sea);outline-offset:2px}
ul{margin:0;padding-left:1.2rem}
nav{display:flex;gap:1rem;margin-top:1.5rem}a{color:var(--sea)}
"""

_SCRIPT = r"""
'use strict';
const at=id=>document.getElementById(id);let doc={};
function make(tag,text,...inside){const element=document.createElement(tag);if(text)element.textContent=text;
element.append(...inside);return element}
function soft(text){return text.split(/(?<=[_\/])(?=\w)|(?<=[.-])(?=[A-Za-z])|(?<=[a-z0-9])(?=[A-Z])/)
.flatMap((part,i)=>i?[make('wbr'),part]:[part])}
function headers(more){const token=at('token').value.trim();
return token?{...more,Authorization:'Bearer '+token}:more}
function follow(schema){for(let i=0;schema&&schema.$ref&&i<20;i++){
schema=schema.$ref.slice(2).split('/').reduce((at,key)=>at&&at[key.replaceAll('~1','/').replaceAll('~0','~')],doc)}
return schema||{}}
function example(schema,depth=0){schema=follow(schema);if(depth>6)return null;
if('example'in schema)return schema.example;if('default'in schema)return schema.default;
if(schema.examples&&schema.examples.length)return schema.examples[0];if('const'in schema)return schema.const;
if(schema.enum)return schema.enum[0];
const choice=schema.anyOf||schema.oneOf||schema.allOf;if(choice)return example(choice[0],depth+1);
const type=Array.isArray(schema.type)?schema.type[0]:schema.type;
if(type==='array')return schema.prefixItems?schema.prefixItems.map(s=>example(s,depth+1)):
[example(schema.items,depth+1)];
if(type==='object'||schema.properties)return Object.fromEntries(Object.entries(schema.properties||{})
.map(([name,value])=>[name,example(value,depth+1)]));
return {string:'',number:0,integer:0,boolean:false}[type]??null}
function words(schema,depth=0,seen=new Set()){const name=schema&&schema.$ref?schema.$ref.split('/').pop():'';
if(seen.has(name))return name;if(name)seen.add(name);schema=follow(schema);
const pad='  '.repeat(depth+1),told=schema.description?'  — '+schema.description:'';
const choice=schema.anyOf||schema.oneOf;
if(choice){const each=[...new Set(choice.map(one=>words(one,depth,seen)))];
return each.join(each.some(one=>one.includes('\n'))?'\n'+'  '.repeat(depth)+'or ':' or ')+told}
if('const'in schema)return JSON.stringify(schema.const);
if(schema.enum)return schema.enum.map(v=>JSON.stringify(v)).join(' or ');
const type=Array.isArray(schema.type)?schema.type.join(' or '):schema.type;
if(schema.properties){const needed=schema.required||[];
return (name?name+' ':'')+'{\n'+Object.entries(schema.properties).map(([key,value])=>
pad+key+(needed.includes(key)?'':' (may be left out)')+': '+words(value,depth+1,seen)).join('\n')+'\n'+
'  '.repeat(depth)+'}'+told}
if(type==='array')return 'a list of '+words(schema.items||{},depth,seen)+told;
if(type==='object'&&schema.additionalProperties)
return '{ any name: '+words(schema.additionalProperties,depth,seen)+' }'+told;
return (type||'anything')+told}
function json(content){return content&&(content['application/json']||Object.values(content)[0])}
function quoted(text){return "'"+text.replaceAll("'","'\\''")+"'"}
function route(path,method,operation){const inside=make('div');inside.className='in';
if(operation.description)inside.append(make('p',operation.description));
const fields=(operation.parameters||[]).map(follow).filter(one=>one.in==='path'||one.in==='query').map(one=>{
const input=make('input');input.name=one.name;input.required=!!one.required;
return {where:one.in,name:one.name,input,label:make('label',one.name+' ',input)}});
const asked=json((follow(operation.requestBody)||{}).content);let body=null;
if(asked){inside.append(make('h2','The body'),make('pre','',...soft(words(asked.schema))))}
inside.append(make('h2','Answers'));const list=make('ul');
for(const [status,answer] of Object.entries(operation.responses||{})){
const given=json(follow(answer).content),item=make('li',status+': '+(follow(answer).description||''));
if(given&&given.schema&&Object.keys(given.schema).length)item.append(make('pre','',...soft(words(given.schema))));list.append(item)}
inside.append(list,make('h2','Try it'),...fields.map(field=>field.label));
if(asked){body=make('textarea');body.spellcheck=false;body.setAttribute('aria-label','body');
body.value=JSON.stringify('example'in asked?asked.example:example(asked.schema),null,2);
body.rows=Math.min(body.value.split('\n').length+1,24);inside.append(body)}
const send=make('button','Send'),answer=make('div');answer.setAttribute('aria-live','polite');
inside.append(send,answer);
send.addEventListener('click',()=>ask(path,method,fields,body,answer));
const box=make('details','',make('summary','',make('b',method.toUpperCase()),make('code','',...soft(path)),
make('span',operation.summary||'')),inside);return box}
async function ask(path,method,fields,body,answer){
let address=path;const query=new URLSearchParams();
for(const field of fields){if(field.where==='path')
address=address.replaceAll('{'+field.name+'}',encodeURIComponent(field.input.value));
else if(field.input.value!=='')query.set(field.name,field.input.value)}
address=address.slice(1)+(query.size?'?'+query:'');
const url=new URL(address||'./',location.href).href,sent=body?body.value:undefined;
const line='curl '+(method==='get'?'':'-X '+method.toUpperCase()+' ')+quoted(url)+
(at('token').value.trim()?" -H 'Authorization: Bearer TOKEN'":'')+
(body?" -H 'Content-Type: application/json' -d "+quoted(sent):'');
answer.replaceChildren(make('h2','The same in a terminal'),make('pre',line));
try{const began=performance.now(),reply=await fetch(url,{method:method.toUpperCase(),
headers:headers(body?{'Content-Type':'application/json'}:{}),body:sent});
const text=await reply.text(),took=performance.now()-began;let shown=text;
try{shown=JSON.stringify(JSON.parse(text),null,2)}catch{}
const id=reply.headers.get('x-prediction-id'),status=make('h2','The answer: '+reply.status+' '+reply.statusText+', '+
took.toFixed(0)+' ms'+(id?', prediction id '+id:''));status.className=reply.ok?'ok':'bad';
answer.append(status,make('pre',shown))}
catch(error){const failed=make('h2','No answer: '+error.message);failed.className='bad';answer.append(failed)}}
async function load(){const note=at('note');note.className='';
try{const reply=await fetch('openapi.json',{headers:headers({}),cache:'no-store'});
if(!reply.ok){let told='';try{told=(await reply.json()).detail}catch{}
throw Error(typeof told==='string'&&told?told:'openapi.json: '+reply.status)}
doc=await reply.json();note.textContent='';document.title=doc.info.title+': API';at('title').textContent=doc.info.title;
at('version').textContent=doc.info.version==='0'?'nothing is live':'version '+doc.info.version+' is live';
const order=['post','get','put','patch','delete'],all=Object.entries(doc.paths).flatMap(([path,methods])=>
order.filter(method=>methods[method]).map(method=>[path,method,methods[method]]));
const rank=([path,method])=>order.indexOf(method)-(path.startsWith('/predict'))*(method==='post');
all.sort((a,b)=>rank(a)-rank(b));
at('routes').replaceChildren(...all.map(one=>route(...one)));
const first=all.findIndex(([path])=>path==='/predict');if(first>=0)at('routes').children[first].open=true}
catch(error){note.className='bad';note.textContent=error.message;at('routes').replaceChildren()}}
at('ask').addEventListener('submit',event=>{event.preventDefault();load()});load();
"""
