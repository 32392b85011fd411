import { withoutTexts } from '../tools/init/lexer';

test.each([
  [
    'a template in the code of a template',
    'a(`x ${f(`)${{ b: 1 }}`)} y`);',
    'a(`   {f(`  {{ b: 1 }}`)}  `);',
  ],
  ['a dollar sign before code', '`$a$$${b}`', '`     {b}`'],
  ['quotes and brackets in a regular expression', `a(/['"\`)/*]/g, 'b');`, `a(/        /g, ' ');`],
  ['a regular expression after a keyword', `return /\\/'/.test(a)`, `return /   /.test(a)`],
  ['a division', `a = b / c; // it's\nd /= 'e'`, `a = b / c;        \nd /= ' '`],
  ['tags', `<p>{a}</p>;\nb('c')`, `<p>{a}</p>;\nb(' ')`],
  ['the line of a script', `#!/bin/sh "it's'\nb('c')`, `                \nb(' ')`],
  [
    'a string that goes on after its line',
    `a('b\\\r\nc', d)`,
    `a('    \n ', d)`.replace('    ', '   '),
  ],
])('%s is told from the code around it', (_what, source, code) => {
  expect(withoutTexts(source)).toBe(code);
});
