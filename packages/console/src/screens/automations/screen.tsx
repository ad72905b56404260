import { Page } from '../../ui/layout.tsx'

export const Screen = () => <Page title="Automations">{null}</Page>
