import { Page } from '../../ui/layout.tsx'

export const Screen = () => <Page title="Audit">{null}</Page>
