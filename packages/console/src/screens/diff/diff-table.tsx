import { useState } from 'react'
import { type TopologyChange } from '@sfdc-engine-x/client'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { CodeBlock, Foreign } from '../../ui/text.tsx'
import { type DiffLine, valueText } from './lines.ts'

const CHANGES: Readonly<Record<TopologyChange, readonly [string, string]>> = {
  added: ['+', 'Added'],
  removed: ['−', 'Removed'],
  changed: ['', 'Changed'],
  not_visible: ['', 'No longer visible to the connected user'],
  now_visible: ['', 'Now visible to the connected user'],
  access_changed: ['', 'Access changed'],
}

export const DiffTable = ({ lines, onEnd }: { lines: readonly DiffLine[]; onEnd: () => void }) => {
  const [open, setOpen] = useState<DiffLine | null>(null)
  return (
    <>
      <DataTable
        label="Differences; Enter shows whole values"
        rows={lines}
        columns={COLUMNS}
        rowKey={({ key }) => key}
        onOpen={(line) => {
          if (line.change === null) setOpen(line)
        }}
        onEnd={onEnd}
      />
      <Dialog
        open={open !== null}
        onClose={() => setOpen(null)}
        title={open === null ? '' : `${open.within}: ${open.name}`}
      >
        {open !== null && (
          <div className="stack">
            <CodeBlock label="Before" code={wholeText(open.before)} />
            <CodeBlock label="After" code={wholeText(open.after)} />
          </div>
        )}
      </Dialog>
    </>
  )
}

const wholeText = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? 'nothing')

const Name = ({ depth, name, kind, note, change }: DiffLine) => (
  <span className={`diff-name depth-${depth}`} title={name}>
    <span className="diff-mark" aria-hidden>
      {change === null ? '' : CHANGES[change][0]}
    </span>
    <span className={depth === 0 ? 'diff-object' : ''}>
      <Foreign mono>{name}</Foreign>
    </span>
    {kind !== 'attribute' && kind !== 'field' && kind !== 'object' && (
      <span className="muted"> {kind}</span>
    )}
    {note !== '' && <span className="muted"> {note}</span>}
  </span>
)

const Value = ({ line, side }: { line: DiffLine; side: 'before' | 'after' }) => {
  if (line.change !== null) return null
  const text = valueText(line[side])
  return (
    <span title={text.slice(0, 1_000)}>
      <Foreign mono>{text}</Foreign>
    </span>
  )
}

const COLUMNS: readonly Column<DiffLine>[] = [
  { id: 'name', header: 'What', width: 'minmax(11rem, 1.4fr)', cell: Name },
  {
    id: 'change',
    header: 'Change',
    width: 'minmax(5.5rem, 0.6fr)',
    cell: ({ change }) => change !== null && CHANGES[change][1],
  },
  {
    id: 'before',
    header: 'Before',
    width: 'minmax(7rem, 1fr)',
    wideOnly: true,
    cell: (line) => <Value line={line} side="before" />,
  },
  {
    id: 'after',
    header: 'After',
    width: 'minmax(7rem, 1fr)',
    wideOnly: true,
    cell: (line) => <Value line={line} side="after" />,
  },
]
