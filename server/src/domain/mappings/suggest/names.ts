// Which of many names resemble a given one. The names are split and indexed by their words once, so that
// a search costs as much as its matches, not as much as all names.

import { conceptOf, likeness, type Likeness, squeezed, weightOf, wordsOf } from './words.ts'

interface Face {
  /** What the name belongs to, by position. */
  owner: number
  words: readonly string[]
  squeezed: string
  weight: number
}

export interface Alike {
  owner: number
  /** 0 to 1 */
  score: number
  /** The owner's name that was most similar. */
  face: readonly string[]
}

export interface NameIndex {
  /** Owners with a name that shares a word with this one, each once. */
  alike(name: string): Alike[]
  /** Which words of the two are similar, as text. */
  explain(name: string, face: readonly string[]): string[]
}

/**
 * `names[i]` are the names of owner `i`: API name first, then labels. `context` are words that are
 * implied, like the object's own name: the `company_name` of a company is its name.
 */
export const indexNames = (
  names: readonly (readonly string[])[],
  context: readonly string[],
): NameIndex => {
  const understood = new Set(context.flatMap(wordsOf).map(conceptOf))
  const weigh = (word: string): number =>
    weightOf(conceptOf(word)) * (understood.has(conceptOf(word)) ? 0.3 : 1)
  const sum = (words: readonly string[]): number =>
    words.reduce((total, word) => total + weigh(word), 0)

  const faces: Face[] = []
  const postings = new Map<string, number[]>()
  for (const [owner, texts] of names.entries()) {
    const seen = new Set<string>()
    for (const text of texts) {
      const words = [...new Set(wordsOf(text))]
      // Most labels are the API name with spaces.
      const same = words.join(' ')
      if (seen.has(same)) continue
      seen.add(same)
      for (const word of words) {
        const list = postings.get(word)
        if (list === undefined) postings.set(word, [faces.length])
        else list.push(faces.length)
      }
      faces.push({ owner, words, squeezed: squeezed(text), weight: sum(words) })
    }
  }

  const byConcept = new Map<string, string[]>()
  const byLetter = new Map<string, string[]>()
  const add = (map: Map<string, string[]>, key: string, word: string) => {
    const list = map.get(key)
    if (list === undefined) map.set(key, [word])
    else list.push(word)
  }
  for (const word of postings.keys()) {
    add(byConcept, conceptOf(word), word)
    add(byLetter, word[0] ?? '', word)
  }

  const linked = new Map<string, { word: string; like: Likeness }[]>()
  /**
   * Indexed words that are similar to this one; synonyms begin with any letter, the others with the same
   * letter.
   */
  const linksOf = (word: string) => {
    const known = linked.get(word)
    if (known !== undefined) return known
    const candidates = new Set([
      ...(byConcept.get(conceptOf(word)) ?? []),
      ...(byLetter.get(word[0] ?? '') ?? []),
    ])
    const links = [...candidates].flatMap((other) => {
      const like = likeness(word, other)
      return like === null ? [] : [{ word: other, like }]
    })
    linked.set(word, links)
    return links
  }

  return {
    alike: (name) => {
      const words = [...new Set(wordsOf(name))]
      const weight = sum(words)
      const whole = squeezed(name)
      const shared = new Map<number, number>()
      for (const word of words) {
        const own = weigh(word)
        // A word counts once for each name, with the word there that is most similar.
        const best = new Map<number, number>()
        for (const { word: other, like } of linksOf(word)) {
          const value = like.quality * (own + weigh(other))
          for (const face of postings.get(other) ?? []) {
            if (value > (best.get(face) ?? 0)) best.set(face, value)
          }
        }
        for (const [face, value] of best) shared.set(face, (shared.get(face) ?? 0) + value)
      }
      const owners = new Map<number, Alike>()
      for (const [index, value] of shared) {
        const face = faces[index]
        if (face === undefined) continue
        const dice = Math.min(1, value / (weight + face.weight))
        const score = face.squeezed === whole ? 1 : dice * 0.98
        const before = owners.get(face.owner)
        if (before === undefined || score > before.score) {
          owners.set(face.owner, { owner: face.owner, score, face: face.words })
        }
      }
      return [...owners.values()]
    },

    explain: (name, face) =>
      [...new Set(wordsOf(name))].flatMap((word) => {
        let best: { other: string; like: Likeness } | null = null
        for (const other of face) {
          const like = likeness(word, other)
          if (like !== null && like.quality > (best?.like.quality ?? 0)) best = { other, like }
        }
        if (best === null) return []
        const { other, like } = best
        return [like.how === 'same' ? word : `${word} ~ ${other} (${like.how})`]
      }),
  }
}
