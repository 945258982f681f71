# Mails about orders, in plain text.
mail-greeting = Hello { $name },
mail-link = Your order, with everything that happens: { $address }
mail-delivery = Delivery: { $amount }
mail-total = Total including VAT: { $amount }
mail-tax = Includes VAT at { $rate }: { $amount }
mail-tax-id = Tax number: { $id }
mail-transfer = Please transfer { $amount } to { $holder }, IBAN { $iban }, with the reference { $number }. We keep the books for { $days } days.
mail-withdrawal = You have 14 days from receiving it to withdraw from the purchase without giving a reason: on the page of your order, or by a reply to this email.
mail-no-invoice = This email is not an invoice. If you need one, ask us for it.
mail-subject-confirmed = Order { $number } confirmed · { $shop }
mail-subject-awaiting-payment = Order { $number }: waiting for your transfer · { $shop }
mail-subject-rejected = We could not accept your order { $number } · { $shop }
mail-subject-expired = Order { $number } expired · { $shop }
mail-subject-ready = Order { $number } ready to collect · { $shop }
mail-subject-shipped = Order { $number } on its way · { $shop }
mail-subject-returned = Order { $number } returned · { $shop }
mail-subject-cancelled = Order { $number } cancelled · { $shop }
mail-subject-part-cancelled = A change to your order { $number } · { $shop }
mail-subject-part-returned = A return from your order { $number } · { $shop }
mail-subject-withdrawn = We have received your withdrawal from order { $number } · { $shop }
mail-confirmed = We have confirmed your order. The books are yours.
mail-awaiting-payment = We have put your books aside. We will prepare them as soon as your transfer arrives.
mail-rejected = We could not accept your order. Nothing was sold, and you have nothing to pay. The page of the order has the reason for each line, and from there you can order what is available.
mail-expired = The time has passed, and the books are on sale again. You have nothing to pay.
mail-ready = Your order is ready and waits for you in the shop.
mail-shipped = Your order is on its way.
mail-returned = We have received the books that you returned. We pay you back within 14 days.
mail-cancelled = We have cancelled your order. If you had paid, we pay you back within 14 days.
mail-cancelled-early = You cancelled your order before we had confirmed it. Nothing was sold, and you have nothing to pay.
mail-part-cancelled = We had to take copies off your order. This is what remains:
mail-part-returned = We have received copies that you returned. We pay you back for them within 14 days. This is what remains:
mail-withdrawn = On { $time } you declared that you withdraw from the contract of order { $number }. We confirm that we have received it.

    Send the books back within 14 days; you pay for sending them. We return everything that you paid, ordinary delivery included, within 14 days, although we may wait until we have the books.
