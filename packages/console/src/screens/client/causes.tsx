import { type PossibleCause } from '@sfdc-engine-x/client'
import { Foreign } from '../../ui/text.tsx'

/** What may be behind a fault that Salesforce does not explain, the likeliest first. */
export const Causes = ({ causes }: { causes: readonly PossibleCause[] }) =>
  causes.length === 0 ? null : (
    <ol className="client-causes">
      {causes.map((cause) => (
        <li key={cause.code}>
          <Foreign>{cause.message}</Foreign>{' '}
          <span className="muted">
            <Foreign>{cause.remedy}</Foreign>
          </span>
        </li>
      ))}
    </ol>
  )
