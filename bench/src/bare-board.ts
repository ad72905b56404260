// The least that a page like the board can take on a machine: as many rows of as many texts, put there by one small
// script, and keys that give each a different one. No library, no request but for the script, no session.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'

export interface BareBoard extends AsyncDisposable {
  url: string
}

const CELLS = 9
const ROWS = 18

const STYLES = `
  body { font: 14px system-ui, sans-serif }
  .table-row { display: grid; grid-template-columns: repeat(${CELLS}, 1fr); height: 34px; contain: strict; border-bottom: 1px solid }
  .cell { overflow: clip; white-space: nowrap; line-height: 34px }
`

/** Runs in the page. */
const SCRIPT = `
  const cell = (row, at) => 'Text ' + at + ' of client ' + row
  const rows = Array.from({ length: ${ROWS} }, (_, row) =>
    '<div class=table-row role=row>' +
    Array.from({ length: ${CELLS} }, (_, at) => '<div class=cell><span>' + cell(row, at) + '</span></div>').join('') +
    '</div>')
  document.body.innerHTML = '<div class=toolbar><input></div><div role=grid tabindex=0>' + rows.join('') + '</div>'
  const texts = [...document.querySelectorAll('span')].map((span) => span.firstChild)
  const STEPS = { ArrowDown: 1, PageDown: ${ROWS - 1}, End: 400, Home: -400 }
  let first = 0
  document.querySelector('[role=grid]').addEventListener('keydown', ({ key }) => {
    first += STEPS[key] ?? 0
    texts.forEach((text, at) => { text.data = cell(first + Math.floor(at / ${CELLS}), at % ${CELLS}) })
  })
`

const FILES: Readonly<Record<string, [type: string, text: string]>> = {
  '/console/': [
    'text/html',
    `<!doctype html><title>Bare</title><style>${STYLES}</style><script type="module" src="/script.js"></script>`,
  ],
  '/script.js': ['text/javascript', SCRIPT],
}

export const startBareBoard = async (): Promise<BareBoard> => {
  const server = createServer(({ url = '' }, response) => {
    const [type, text] = FILES[url] ?? ['text/plain', '']
    response.setHeader('content-type', type)
    response.end(text)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
