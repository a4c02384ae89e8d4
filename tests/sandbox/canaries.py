"""Bank data that our PSPs tell and that the shop must never keep: a test can look for these words everywhere."""

CARD_HOLDER = "Camille Canari-Porteur"
CARD_AUTHORISATION = "C4N4R1"
CARD_FINGERPRINT = "CanariEmpreinte1"
CARD_NETWORK_TRANSACTION = "canari-reseau-104856201"
CARD_IIN_BANK = "Banque du Canari SA"
TWINT_HOLDER = "Thierry Canari-Twint"
PAYPAL_EMAIL = "canari.payeur@example.com"
PAYPAL_PAYER_ID = "CANARYPAYER42"
PAYPAL_NAME = "Pascale Canari-Payeuse"
PAYPAL_STREET = "Chemin du Canari 7"

CANARIES = (
    CARD_HOLDER,
    CARD_AUTHORISATION,
    CARD_FINGERPRINT,
    CARD_NETWORK_TRANSACTION,
    CARD_IIN_BANK,
    TWINT_HOLDER,
    PAYPAL_EMAIL,
    PAYPAL_PAYER_ID,
    PAYPAL_NAME,
    PAYPAL_STREET,
)
