import { type WorkFault } from '@sfdc-engine-x/client'
import { KeyValue } from '../ui/layout.tsx'
import { Foreign, Moment, RelativeTime } from '../ui/text.tsx'

/**
 * Why work waits or failed, in the words of whoever refused: since when, whether a person has to do something, and
 * until when it waits.
 */
export const WorkFaultNote = ({ fault }: { fault: WorkFault & { resumes_at?: string } }) => {
  const { code, message, waiting, upstream, errors = [] } = fault
  return (
    <section className="problem" role={waiting === undefined ? 'alert' : 'status'}>
      <p className="problem-message">
        {waiting === undefined
          ? null
          : waiting.for === 'person'
            ? 'Waits for somebody: '
            : 'Waits: '}
        <Foreign>{message}</Foreign>
      </p>
      {upstream !== undefined && (
        <p className="mono small">
          <Foreign>{[upstream.code, upstream.message].join(': ')}</Foreign>
        </p>
      )}
      {errors.length > 0 && (
        <ul className="problem-members">
          {errors.map((error) => (
            <li key={`${error.path} ${error.message}`}>
              {error.path !== '' && <Foreign mono>{error.path}</Foreign>}{' '}
              <Foreign>{error.message}</Foreign>
            </li>
          ))}
        </ul>
      )}
      {waiting !== undefined && (
        <>
          <p>
            {waiting.for === 'person'
              ? 'Somebody has to act; then it goes on by itself.'
              : 'It passes, and the work goes on by itself.'}
          </p>
          <KeyValue
            items={[
              ['Since', <RelativeTime key="since" at={waiting.since} />],
              ['Next try', <Moment key="next" at={fault.resumes_at ?? waiting.next_try_at} />],
              [
                'Gives up',
                waiting.until === null ? 'never' : <Moment key="until" at={waiting.until} />,
              ],
            ]}
          />
        </>
      )}
      <p className="small">
        <a href={`/docs/errors#${code}`}>{code}</a>
      </p>
    </section>
  )
}
