// Writes pages that real generators make of our own text. Run: node make_pages.mjs OUT
import fs from 'fs'; import path from 'path'; import {createRequire} from 'module';
const require=createRequire(process.argv[3]+'/');
const out=process.argv[2]; fs.mkdirSync(out,{recursive:true});
const texts=JSON.parse(fs.readFileSync(new URL('./texts.json',import.meta.url)));
const version=n=>require(n+'/package.json').version;
const katex=require('katex'), temml=require('temml');
const esc=s=>s.replace(/&/g,'&amp;').replace(/</g,'&lt;').replace(/>/g,'&gt;');
function body(text,inline,display){ // `$..$` and `$$..$$` of our text
  return text.split('\n\n').map(b=>b.startsWith('# ')?`<h1>${esc(b.slice(2))}</h1>`:b.startsWith('$$')?`<p>${display(b.slice(2,-2))}</p>`:
    '<p>'+b.split(/(\$[^$]+\$)/).map(p=>p[0]==='$'?inline(p.slice(1,-1)):esc(p)).join('')+'</p>').join('\n'); }
const page=(title,head,inner)=>`<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>${head}</head><body><nav><a href="/">Home</a></nav><main>${inner}</main><footer>Our notes</footer></body></html>`;
function write(name,generator,text,inline,display,head=''){ const t=text.split('\n')[0].slice(2);
  fs.writeFileSync(path.join(out,name+'.html'),`<!-- ${generator} -->\n`+page(t,head,body(text,inline,display))); }
let n=0;
for(const [key,text] of Object.entries(texts)){
  for(const mode of ['htmlAndMathml','html','mathml'])
    write(`${key}-katex-${mode}`,`KaTeX ${version('katex')}, ${mode}`,text,s=>katex.renderToString(s,{output:mode}),s=>katex.renderToString(s,{output:mode,displayMode:true}));
  write(`${key}-temml`,`Temml ${version('temml')}`,text,s=>temml.renderToString(s),s=>temml.renderToString(s,{displayMode:true}));
  write(`${key}-temml-annotated`,`Temml ${version('temml')}, annotated`,text,s=>temml.renderToString(s,{annotate:true}),s=>temml.renderToString(s,{displayMode:true,annotate:true}));
}
// MathJax 3
const {mathjax}=require('mathjax-full/js/mathjax.js'),{TeX}=require('mathjax-full/js/input/tex.js'),{CHTML}=require('mathjax-full/js/output/chtml.js'),{SVG}=require('mathjax-full/js/output/svg.js'),{liteAdaptor}=require('mathjax-full/js/adaptors/liteAdaptor.js'),{RegisterHTMLHandler}=require('mathjax-full/js/handlers/html.js'),_ams=require('mathjax-full/js/input/tex/ams/AmsConfiguration.js'),{AssistiveMmlHandler}=require('mathjax-full/js/a11y/assistive-mml.js'),{SerializedMmlVisitor}=require('mathjax-full/js/core/MmlTree/SerializedMmlVisitor.js'),{STATE}=require('mathjax-full/js/core/MathItem.js');
for(const assistive of [true,false]) for(const [jax,J] of [['chtml',CHTML],['svg',SVG]]){
  const adaptor=liteAdaptor(); const handler=RegisterHTMLHandler(adaptor); if(assistive) AssistiveMmlHandler(handler);
  const doc=mathjax.document('',{InputJax:new TeX({packages:['base','ams']}),OutputJax:new J(jax==='svg'?{fontCache:'none'}:{fontURL:'f'})});
  const conv=d=>s=>adaptor.outerHTML(doc.convert(s,{display:d}));
  for(const [key,text] of Object.entries(texts)) write(`${key}-mathjax3-${jax}${assistive?'-assistive':''}`,`MathJax ${version('mathjax-full')}, ${jax}${assistive?', assistive MathML':''}`,text,conv(false),conv(true));
}
{ const adaptor=liteAdaptor(); RegisterHTMLHandler(adaptor); const visitor=new SerializedMmlVisitor(); const doc=mathjax.document('',{InputJax:new TeX({packages:['base','ams']})});
  const conv=d=>s=>visitor.visitTree(doc.convert(s,{display:d,end:STATE.CONVERT}));
  for(const [key,text] of Object.entries(texts)) write(`${key}-mathjax3-mathml`,`MathJax ${version('mathjax-full')}, MathML`,text,conv(false),conv(true)); }
// markdown-it with KaTeX, marked with KaTeX
const MarkdownIt=require('markdown-it'), mk=require('@vscode/markdown-it-katex').default; const md=new MarkdownIt({html:true}).use(mk);
for(const [key,text] of Object.entries(texts)){ fs.writeFileSync(path.join(out,`${key}-markdown-it.html`),`<!-- markdown-it ${version('markdown-it')} with @vscode/markdown-it-katex ${version('@vscode/markdown-it-katex')} -->\n`+page(text.split('\n')[0].slice(2),'',md.render(text))); }
const {marked}=await import(require.resolve('marked'));
for(const [key,text] of Object.entries(texts)){ const h=marked.parse(text); fs.writeFileSync(path.join(out,`${key}-marked-mathjax.html`),`<!-- marked ${version('marked')}, formulas left to MathJax in the browser -->\n`+page(text.split('\n')[0].slice(2),'<script>MathJax={tex:{inlineMath:[["$","$"]]}}</script><script src="/mathjax/tex-chtml.js"></script>',h)); }
// MediaWiki's and Discourse's shapes, by hand
for(const [key,text] of Object.entries(texts)){
  write(`${key}-mediawiki`,'the shape of MediaWiki\'s Math extension, by hand',text,
   s=>`<span class="mwe-math-element"><span class="mwe-math-mathml-inline mwe-math-mathml-a11y" style="display: none;"><math xmlns="http://www.w3.org/1998/Math/MathML" alttext="{\\displaystyle ${esc(s)}}"><semantics><mrow><mi>x</mi></mrow><annotation encoding="application/x-tex">{\\displaystyle ${esc(s)}}</annotation></semantics></math></span><img src="/render/svg/1" class="mwe-math-fallback-image-inline" aria-hidden="true" alt="${esc(s)}"></span>`,
   s=>`<div class="mwe-math-element"><span class="mwe-math-mathml-display mwe-math-mathml-a11y" style="display: none;"><math display="block" alttext="{\\displaystyle ${esc(s)}}"><semantics><mrow><mi>x</mi></mrow><annotation encoding="application/x-tex">{\\displaystyle ${esc(s)}}</annotation></semantics></math></span><img src="/render/svg/1" class="mwe-math-fallback-image-display" aria-hidden="true" alt="${esc(s)}"></div>`);
  write(`${key}-discourse`,'the shape of Discourse\'s math plug-in, by hand',text,s=>`<span class="math">${esc(s)}</span>`,s=>`</p><div class="math">${esc(s)}</div><p>`);
}
