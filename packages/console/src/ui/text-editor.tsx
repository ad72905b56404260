// A text with line numbers and marks at lines: a plain textarea, so that the keyboard, the screen reader and the
// browser's own search and undo work as everywhere. Tab leaves it.

import { type Ref, useImperativeHandle, useMemo, useRef } from 'react'
import './text-editor.css'

export interface LineMark {
  /** From 1. */
  line: number
  tone: 'red' | 'yellow' | 'fault'
}

export interface TextEditorHandle {
  /** Puts the cursor at a line and brings it into sight. */
  goTo: (line: number) => void
}

interface Props {
  label: string
  value: string
  onChange: (value: string) => void
  marks?: readonly LineMark[]
  describedBy?: string
  ref?: Ref<TextEditorHandle>
}

const LINE_PX = 20
const SYMBOLS: Readonly<Record<LineMark['tone'], string>> = { red: '■', yellow: '▲', fault: '!' }
const WEIGHT: Readonly<Record<LineMark['tone'], number>> = { fault: 2, red: 1, yellow: 0 }

export const TextEditor = ({ label, value, onChange, marks = [], describedBy, ref }: Props) => {
  const area = useRef<HTMLTextAreaElement>(null)
  const gutter = useRef<HTMLDivElement>(null)
  const lines = useMemo(() => countLines(value), [value])
  const numbers = useMemo(
    () => Array.from({ length: lines }, (_, at) => at + 1).join('\n'),
    [lines],
  )
  const worst = useMemo(() => worstOfLines(marks), [marks])
  useImperativeHandle(ref, () => ({
    goTo: (line) => {
      const { current } = area
      if (current === null) return
      const from = offsetOf(current.value, line)
      const end = current.value.indexOf('\n', from)
      current.focus()
      current.setSelectionRange(from, end === -1 ? current.value.length : end)
      current.scrollTop = Math.max(0, (line - 1) * LINE_PX - current.clientHeight / 3)
      current.scrollLeft = 0
    },
  }))
  const follow = () => {
    if (area.current === null || gutter.current === null) return
    gutter.current.style.transform = `translateY(${-area.current.scrollTop}px)`
  }
  return (
    <div className="text-editor">
      <div className="text-editor-gutter" aria-hidden>
        <div ref={gutter}>
          <pre>{numbers}</pre>
          {worst.map(({ line, tone }) => (
            <span
              key={line}
              className={`text-editor-mark ${tone}`}
              style={{ top: (line - 1) * LINE_PX }}
            >
              {SYMBOLS[tone]}
            </span>
          ))}
        </div>
      </div>
      <textarea
        ref={area}
        aria-label={label}
        aria-describedby={describedBy}
        aria-invalid={marks.some(({ tone }) => tone === 'fault') ? true : undefined}
        value={value}
        onChange={({ target }) => onChange(target.value)}
        onScroll={follow}
        wrap="off"
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
      />
    </div>
  )
}

const countLines = (text: string): number => {
  let lines = 1
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}

const offsetOf = (text: string, line: number): number => {
  let from = 0
  for (let n = 1; n < line; n += 1) {
    const next = text.indexOf('\n', from)
    if (next === -1) break
    from = next + 1
  }
  return from
}

const worstOfLines = (marks: readonly LineMark[]): LineMark[] => {
  const byLine = new Map<number, LineMark>()
  for (const mark of marks) {
    const known = byLine.get(mark.line)
    if (known === undefined || WEIGHT[mark.tone] > WEIGHT[known.tone]) byLine.set(mark.line, mark)
  }
  return [...byLine.values()]
}
