import { Page } from '../../ui/layout.tsx'

export const Screen = () => <Page title="Deployment">{null}</Page>
