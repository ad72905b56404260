// Flow interviews that are paused or waiting: they can be queried, and deleted so that their version can
// be deleted. Salesforce: Object Reference, "FlowInterview".

import { salesforceDateTime, toId18 } from '../org/ids.ts'
import type { Org } from '../org/model.ts'
import type { RestAnswer, RestContext, RestRoute } from './rest.ts'
import { notFound, refusal } from '../refusals.ts'
import { reference, type VirtualTable } from './query/tables.ts'

export const flowInterviewRoutes: RestRoute[] = [
  { method: 'DELETE', pattern: '/sobjects/FlowInterview/:id', handler: (ctx) => remove(ctx) },
]

export const flowInterviews = (org: Org): VirtualTable => ({
  name: 'FlowInterview',
  columns: {
    Id: 'id',
    Name: 'string',
    InterviewLabel: 'string',
    InterviewStatus: 'picklist',
    CurrentElement: 'string',
    FlowVersionViewId: reference('FlowVersionView', 'FlowVersionView'),
    OwnerId: reference('User', 'Owner'),
    CreatedDate: 'datetime',
    CreatedById: reference('User', 'CreatedBy'),
    LastModifiedDate: 'datetime',
    LastModifiedById: reference('User', 'LastModifiedBy'),
  },
  rows: () =>
    org.flowInterviews.map((interview) => ({
      Id: interview.id,
      Name: interview.label,
      InterviewLabel: interview.label,
      InterviewStatus: interview.status,
      CurrentElement: interview.currentElement,
      FlowVersionViewId: interview.versionId,
      OwnerId: interview.createdById,
      CreatedDate: salesforceDateTime(interview.createdDate),
      CreatedById: interview.createdById,
      LastModifiedDate: salesforceDateTime(interview.lastModifiedDate),
      LastModifiedById: interview.lastModifiedById,
    })),
})

/** Salesforce: an interview belongs to the user it was paused for; an administrator may delete any. */
const remove = (ctx: RestContext): RestAnswer => {
  const { org, user, viewer } = ctx
  const before = org.flowInterviews
  const id = toId18(ctx.params['id'] ?? '')
  const found = before.find((each) => each.id === id)
  if (found === undefined) throw notFound()
  if (found.createdById !== user.id && !viewer.has('ModifyAllData')) {
    throw refusal(
      403,
      'INSUFFICIENT_ACCESS_OR_READONLY',
      'insufficient access rights on object id',
      [],
    )
  }
  org.flowInterviews = before.filter((each) => each !== found)
  ctx.transaction?.onRollback(() => {
    org.flowInterviews = before
  })
  return { status: 204 }
}
