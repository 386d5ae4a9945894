# PORT USER PASSWORD CAFILE DIRECTORY keep|delete, by net-pop.
require 'net/pop'

port, user, password, ca, directory, mode = ARGV
list = "#{directory}/seen"
seen = File.exist?(list) ? File.readlines(list, chomp: true) : []
Net::POP3.enable_ssl(OpenSSL::SSL::VERIFY_PEER, ca)
Net::POP3.start('localhost', port.to_i, user, password) do |pop|
  ids = pop.mails.map(&:unique_id)
  pop.mails.each do |mail|
    next if mode == 'keep' && seen.include?(mail.unique_id)
    File.open("#{directory}/inbox/new/#{mail.unique_id}", 'wb') do |file|
      mail.pop { |piece| file.write(piece) }
    end
    mail.delete if mode == 'delete'
  end
  File.write(list, ids.join("\n"))
end
