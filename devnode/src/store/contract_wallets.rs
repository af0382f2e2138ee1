//! Contract wallets of the registry that stands for a chain.

use super::{Store, StoreError};
use crate::contracts::Address;

impl Store {
    /// Keeps a wallet, or gives it to another owner.
    pub(crate) fn put_contract_wallet(&self, address: Address, owner: Address) -> Result<(), StoreError> {
        self.connection().execute(
            "INSERT INTO contract_wallets (address, owner) VALUES (?1, ?2)
             ON CONFLICT (address) DO UPDATE SET owner = ?2",
            (address, owner),
        )?;
        Ok(())
    }

    /// All wallets with their owners.
    pub(crate) fn contract_wallets(&self) -> Result<Vec<(Address, Address)>, StoreError> {
        let connection = self.connection();
        let mut query = connection.prepare("SELECT address, owner FROM contract_wallets")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.map(|row| Ok(row?)).collect()
    }
}
