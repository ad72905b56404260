import { type RolloutRollbackPreview } from '@sfdc-engine-x/client'
import { ClientName } from '../../app/names.tsx'
import { KeyValue, ProgressBar, Section } from '../../ui/layout.tsx'
import { count, counted, Foreign } from '../../ui/text.tsx'

/** What a rollback would do: what goes, what stays, and what would be lost. */
export const RollbackPreview = ({
  preview: { state, targets: done, removed, restored, kept, remaining, data, failed, mappings },
  targets,
}: {
  preview: NonNullable<RolloutRollbackPreview>
  targets: number
}) => (
  <Section title="If it were rolled back">
    {state === 'running' && (
      <ProgressBar label={`${count(done)} clients looked at`} done={done} total={targets} />
    )}
    <KeyValue
      items={[
        ['Clients', count(done)],
        ['Removed', counted(removed, 'component')],
        ['Restored', counted(restored, 'component')],
        ['Kept, changed by others since', counted(kept, 'component')],
        ['Cannot be rolled back', counted(remaining, 'component')],
        ['Mappings removed', count(mappings.removed)],
        ['Mappings restored', count(mappings.restored)],
        ['Mappings kept, changed by others since', count(mappings.kept)],
      ]}
    />
    {data.length === 0 ? (
      state === 'complete' && <p className="muted">No data would be lost.</p>
    ) : (
      <>
        <p>
          <strong>These hold data.</strong> They stay, unless you choose to delete it.
        </p>
        <ul className="lines small">
          {data.map(({ client_id: id, name, rows }) => (
            <li key={`${id} ${name}`}>
              <ClientName id={id} /> <Foreign mono>{name}</Foreign>:{' '}
              {rows === null ? 'an unknown number of rows' : counted(rows, 'row')}
            </li>
          ))}
        </ul>
      </>
    )}
    {failed.length > 0 && (
      <ul className="lines small">
        {failed.map(({ client_id: id, code }) => (
          <li key={id}>
            <ClientName id={id} /> could not be looked at: <code>{code}</code>
          </li>
        ))}
      </ul>
    )}
  </Section>
)
