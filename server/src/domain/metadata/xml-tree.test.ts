import { describe, expect, it } from 'vitest'
import {
  applyEdits,
  childrenNamed,
  childText,
  insertBehind,
  insertFirst,
  readDocument,
  removeNode,
  writeFile,
} from './xml-tree.ts'

const TEXT = `<?xml version="1.0" encoding="UTF-8"?>
<!-- <decoy> -->
<md:Root xmlns:md="urn:x" note="a > b">
    <md:item>
        <name>A &amp; B</name>
    </md:item>
    <md:item><name><![CDATA[<C>]]></name></md:item>
    <empty/>
    <hollow></hollow>
</md:Root>
`

describe('a document', () => {
  it('gives each element its value and its place', () => {
    const { root } = readDocument(TEXT, 'Root')
    const items = childrenNamed(root, 'item')
    expect(items.map((item) => childText(item, 'name'))).toEqual(['A & B', '<C>'])
    expect(items.map(({ start, end }) => TEXT.slice(start, end))).toEqual([
      '<md:item>\n        <name>A &amp; B</name>\n    </md:item>',
      '<md:item><name><![CDATA[<C>]]></name></md:item>',
    ])
  })

  it('changes nothing but what is edited, and takes an insertion out without a trace', () => {
    const before = readDocument(TEXT, 'Root')
    const [first] = childrenNamed(before.root, 'item')
    if (first === undefined) throw new Error('no item')
    const longer = applyEdits(TEXT, [insertBehind(first, 'added', { name: '<x>' })])
    expect(longer).toContain('    <added>\n        <name>&lt;x&gt;</name>\n    </added>')
    const after = readDocument(longer, 'Root')
    const [added] = childrenNamed(after.root, 'added')
    if (added === undefined) throw new Error('nothing added')
    expect(applyEdits(longer, [removeNode(added, longer)])).toBe(TEXT)
  })

  it.each([
    ['with its line', '<R>\n\t <a/>\n</R>', '<R>\n</R>'],
    ['with its line, as Windows ends it', '<R>\r\n  <a/>\r\n</R>', '<R>\r\n</R>'],
    ['and no blanks where it has no line of its own', '<R><b/>  <a/></R>', '<R><b/>  </R>'],
  ])('removes an element %s', (_case, text, rest) => {
    const [node] = childrenNamed(readDocument(text, 'R').root, 'a')
    if (node === undefined) throw new Error('no a')
    expect(applyEdits(text, [removeNode(node, text)])).toBe(rest)
  })

  it.each(['empty', 'hollow'])('opens an %s element for its first child', (name) => {
    const { root } = readDocument(TEXT, 'Root')
    const [node] = childrenNamed(root, name)
    if (node === undefined) throw new Error(`no ${name}`)
    const text = applyEdits(TEXT, [insertFirst(node, TEXT, 'a', ['1', '2'])])
    expect(text).toContain(`<${name}>\n        <a>1</a>\n        <a>2</a>\n    </${name}>`)
    expect(childrenNamed(readDocument(text, 'Root').root, name)[0]?.children).toHaveLength(2)
  })

  it('refuses another root, broken XML and a DTD', () => {
    expect(() => readDocument(TEXT, 'Other')).toThrow('Other')
    expect(() => readDocument('<Root><a></Root>', 'Root')).toThrow('MALFORMED')
    expect(() => readDocument('<!DOCTYPE Root><Root/>', 'Root')).toThrow('MALFORMED')
  })
})

describe('writeFile', () => {
  it('writes a declaration, the namespace and a line for each element', () => {
    expect(
      writeFile('CustomTab', { customObject: true, label: null, motif: 'Custom53: Bell' }),
    ).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<CustomTab xmlns="http://soap.sforce.com/2006/04/metadata">\n' +
        '    <customObject>true</customObject>\n' +
        '    <motif>Custom53: Bell</motif>\n' +
        '</CustomTab>\n',
    )
  })
})
