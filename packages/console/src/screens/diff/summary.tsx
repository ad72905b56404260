import { type ChangeCounts, type TopologyDiff } from '@sfdc-engine-x/client'
import { KeyValue } from '../../ui/layout.tsx'
import { Empty } from '../../ui/states.tsx'
import { count, counted } from '../../ui/text.tsx'

const countsText = ({ added, removed, changed }: ChangeCounts): string =>
  [
    added > 0 && `${count(added)} added`,
    removed > 0 && `${count(removed)} removed`,
    changed > 0 && `${count(changed)} changed`,
  ]
    .filter(Boolean)
    .join(', ') || 'the same'

/** What differs, in numbers, and what could not be compared. */
export const Summary = ({ diff: { summary, from, to } }: { diff: TopologyDiff }) => {
  const { visibility, not_compared: notCompared } = summary
  const seen = visibility.not_visible + visibility.now_visible + visibility.access_changed
  return (
    <>
      {summary.identical ? (
        <Empty title="No difference">
          <p>
            Version {from.version} and version {to.version} have the same schema.
          </p>
        </Empty>
      ) : (
        <KeyValue
          items={[
            ['Objects', countsText(summary.objects)],
            ['Fields', countsText(summary.fields)],
            ['Automations', countsText(summary.automations)],
          ]}
        />
      )}
      {seen > 0 && (
        <p className="small muted">
          {counted(seen, 'object or field', 'objects and fields')} differ only in what the connected
          user sees or may do: no change of the schema.
        </p>
      )}
      {notCompared.length > 0 && (
        <p className="diff-note">
          Not compared, since Salesforce did not return them in one of the two:{' '}
          {notCompared.join(', ')}
        </p>
      )}
    </>
  )
}
