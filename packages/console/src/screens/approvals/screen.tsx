import { Page } from '../../ui/layout.tsx'

export const Screen = () => <Page title="Approvals">{null}</Page>
