// What the console loads before anything is shown, whoever opens it: the document, and what it names; the module that
// these import at once; and what all of them import though they do not say so.

const NAMED = /\/console\/(assets\/[^"]+\.(?:js|css))"/g
const MAIN = /import\(`\.\/(main-[^`]+)`\)/g
const IMPORTED = /(?:from|import)"\.\/([^"]+)"/g

/** By their paths below `/console/`; `read` gets the text of one, of the document as `index.html`. */
export const entryFiles = async (
  read: (path: string) => Promise<string> | string,
): Promise<Map<string, string>> => {
  const files = new Map([['index.html', await read('index.html')]])
  // A map goes on with what is added to it.
  for (const [path, text] of files) {
    const named = [...text.matchAll(NAMED)].map(([, one = '']) => one)
    const imported = path.endsWith('.js')
      ? [...text.matchAll(MAIN), ...text.matchAll(IMPORTED)].map(([, one = '']) => `assets/${one}`)
      : []
    for (const one of [...named, ...imported]) {
      if (!files.has(one)) files.set(one, await read(one))
    }
  }
  return files
}
