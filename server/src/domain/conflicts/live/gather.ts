// Questions that many rules ask at the same moment go to Salesforce together.

interface Waiting<Question, Answer> {
  question: Question
  resolve: (answer: Answer) => void
  reject: (reason: unknown) => void
}

/**
 * A function for one question that hands all questions of the same turn of the event loop to
 * `answerAll`, which answers them in order. With `turns` above one it also waits for questions that
 * others ask only after gathering theirs. If `answerAll` rejects, every question rejects.
 */
export const gather = <Question, Answer>(
  answerAll: (questions: readonly Question[]) => Promise<ReadonlyMap<Question, Answer>>,
  turns = 1,
): ((question: Question) => Promise<Answer>) => {
  let waiting: Waiting<Question, Answer>[] = []

  const flush = (): void => {
    const asked = waiting
    waiting = []
    const questions = [...new Set(asked.map(({ question }) => question))]
    const settle = async (): Promise<void> => {
      const answers = await answerAll(questions)
      for (const { question, resolve, reject } of asked) {
        if (answers.has(question)) resolve(answers.get(question) as Answer)
        else reject(new Error('a question was left without its answer'))
      }
    }
    settle().catch((error: unknown) => asked.forEach(({ reject }) => reject(error)))
  }
  // After the microtasks: every rule that asks in this turn has asked by then.
  const later = (left: number): void => {
    setImmediate(left > 1 ? () => later(left - 1) : flush)
  }

  return (question) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject })
      if (waiting.length === 1) later(turns)
    })
}

/** Applies `work` to every item, at most `parallel` at once; rejects with the first fault. */
export const eachOf = async <T>(
  items: readonly T[],
  parallel: number,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const rest = items.values()
  const walk = async (): Promise<void> => {
    for (const item of rest) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, walk))
}

export const chunksOf = <T>(items: readonly T[], size: number): T[][] => {
  const chunks: T[][] = []
  for (let start = 0; start < items.length; start += size) {
    chunks.push(items.slice(start, start + size))
  }
  return chunks
}
