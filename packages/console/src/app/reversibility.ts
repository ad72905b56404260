import { type Reversibility } from '@sfdc-engine-x/client'

export const REVERSIBILITY: Readonly<Record<Reversibility, string>> = {
  reversible: 'Possible',
  reversible_with_data_loss: 'Loses data',
  irreversible: 'Not possible',
}
