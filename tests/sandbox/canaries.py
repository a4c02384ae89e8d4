"""Bank data that our PSPs tell and that the shop must never keep: a test can look for these words everywhere."""

CARD_HOLDER = "Camille Canari-Porteur"
CARD_AUTHORISATION = "C4N4R1"
CARD_FINGERPRINT = "CanariEmpreinte1"
CARD_NETWORK_TRANSACTION = "canari-reseau-104856201"
CARD_IIN_BANK = "Banque du Canari SA"
TWINT_HOLDER = "Thierry Canari-Twint"
CARD_REFUND_REFERENCE = "canari-remboursement-74009"
SHOP_BANK_ACCOUNT = "ba_CanariCompte93"
CUSTOMER_IP = "203.0.113.42"
PAYPAL_EMAIL = "canari.payeur@example.com"
PAYPAL_PAYER_ID = "CANARYPAYER42"
PAYPAL_NAME = "Pascale Canari-Payeuse"
PAYPAL_STREET = "Chemin du Canari 7"
PAYPAL_COMPLAINT = "Le canari n’est jamais arrivé."

CANARIES = (
    CARD_HOLDER,
    CARD_AUTHORISATION,
    CARD_FINGERPRINT,
    CARD_NETWORK_TRANSACTION,
    CARD_IIN_BANK,
    TWINT_HOLDER,
    CARD_REFUND_REFERENCE,
    SHOP_BANK_ACCOUNT,
    CUSTOMER_IP,
    PAYPAL_EMAIL,
    PAYPAL_PAYER_ID,
    PAYPAL_NAME,
    PAYPAL_STREET,
    PAYPAL_COMPLAINT,
)
